package gqlhttp

import (
	"context"
	"strconv"
	"sync"

	"github.com/99designs/gqlgen/complexity"
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// costs remembers what the operations of a document cost: gqlgen makes a map of arguments for each field to work that out. It may be used by
// many goroutines.
type costs struct {
	mu   sync.RWMutex
	kept map[string]int // by costKey; never more than mostCosts
}

// mostCosts is how many page sizes, so to speak, are remembered of one document.
const mostCosts = 32

func (c *costs) get(key []byte) (cost int, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	cost, ok = c.kept[string(key)]
	return cost, ok
}

func (c *costs) keep(key []byte, cost int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil || len(c.kept) >= mostCosts {
		c.kept = map[string]int{}
	}
	c.kept[string(key)] = cost
}

// cost is what an operation of doc costs with its variables.
func (e *engine) cost(ctx context.Context, op *graphql.OperationContext, doc *document) int {
	var room [mostCostKey]byte
	key, ok := costKey(room[:0], op.Operation, op.Variables)
	if cost, known := doc.costs.get(key); ok && known {
		return cost
	}
	cost := complexity.Calculate(ctx, e.schema, op.Operation, op.Variables)
	if ok {
		doc.costs.keep(key, cost)
	}
	return cost
}

// mostCostKey bounds what the variables of an operation may come to whose cost is remembered, in bytes.
const mostCostKey = 128

// costKey appends all that the cost of an operation can depend on: the variables but for texts, which no price goes by, see Config. It is false
// where there is too much, or what is made of parts.
func costKey(b []byte, op *ast.OperationDefinition, variables map[string]any) ([]byte, bool) {
	b = append(b, op.Name...)
	for _, def := range op.VariableDefinitions {
		if name := def.Type.NamedType; name == "ID" || name == "String" {
			continue
		}
		b = append(b, ' ')
		switch v, given := variables[def.Variable]; v := v.(type) {
		case nil:
			b = strconv.AppendBool(append(b, '?'), given)
		case bool:
			b = strconv.AppendBool(b, v)
		case int64:
			b = strconv.AppendInt(b, v, 10)
		default:
			return b, false
		}
	}
	return b, len(b) <= mostCostKey
}
