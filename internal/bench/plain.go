package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"scalegraph/graph"
	"scalegraph/graph/model"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// servePlain is the role of gqlgen's own server over rows in memory. It has no limits, tenants, cursors or log, and its ids are made in advance.
func servePlain(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("plain", flag.ContinueOnError)
	listen := flags.String("listen", "", "address")
	if err := flags.Parse(args); err != nil {
		return err
	}
	p, err := newPlain(ctx)
	if err != nil {
		return err
	}
	h := handler.New(graph.NewExecutableSchema(graph.Config{Resolvers: p}))
	h.AddTransport(transport.POST{})
	h.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	return listenAndServe(ctx, *listen, h)
}

// plain resolves the fields that the comparison requests; the embedded interfaces stand for all others.
type plain struct {
	graph.ResolverRoot
	nodes []model.ScalingActivity
	edges []model.ScalingActivityEdge
}

// newPlain reads the rows of groupID(0).
func newPlain(ctx context.Context) (*plain, error) {
	client, err := upstream.New(upstream.Config{Endpoints: map[string]string{"default": "http://upstream"}, Transport: mainUpstream().Transport()})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx = request.WithCaller(ctx, &request.Caller{Token: token})
	p := &plain{}
	group := upstream.Group{Region: "default", Project: project, ID: groupID(0)}
	for len(p.nodes) < mainRows {
		page, err := client.List(ctx, upstream.ListQuery{Group: group, Offset: len(p.nodes), Limit: upstream.MaxLimit, Sections: upstream.AllSections})
		if err != nil {
			return nil, err
		}
		for _, row := range page.Rows {
			p.nodes = append(p.nodes, model.ScalingActivity{Activity: row, ID: "AQIHZGVmYXVsdAHhefdzpuDzwJUUt93irQR4" + row.LogID})
		}
	}
	for i := range p.nodes {
		p.edges = append(p.edges, model.ScalingActivityEdge{Cursor: "AYqJ2mB7Kj2s" + p.nodes[i].LogID, Node: &p.nodes[i]})
	}
	return p, nil
}

// page is a stretch of the rows.
func (p *plain) page(offset, first *int32) *model.ScalingActivityConnection {
	from, n := 0, 20
	if offset != nil {
		from = min(int(*offset), len(p.nodes))
	}
	if first != nil {
		n = int(*first)
	}
	to := min(from+n, len(p.nodes))
	c := &model.ScalingActivityConnection{Nodes: p.nodes[from:to], Edges: p.edges[from:to], TotalCount: int32(len(p.nodes)), AsOf: epoch}
	c.PageInfo = model.PageInfo{HasNextPage: to < len(p.nodes), HasPreviousPage: from > 0}
	if from < to {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &p.edges[from].Cursor, &p.edges[to-1].Cursor
	}
	return c
}

func (p *plain) Query() graph.QueryResolver                     { return plainQuery{plain: p} }
func (p *plain) ScalingGroup() graph.ScalingGroupResolver       { return plainGroup{plain: p} }
func (p *plain) ScalingActivity() graph.ScalingActivityResolver { return plainActivity{} }
func (p *plain) Subscription() graph.SubscriptionResolver       { return nil }

type plainQuery struct {
	graph.QueryResolver
	plain *plain
}

func (plainQuery) ScalingGroup(_ context.Context, id string, _, _ *string) (*upstream.Group, error) {
	if id != groupID(0) {
		return nil, fmt.Errorf("no group %s", id)
	}
	return &upstream.Group{Region: "default", Project: project, ID: id}, nil
}

type plainGroup struct {
	graph.ScalingGroupResolver
	plain *plain
}

func (plainGroup) ID(_ context.Context, g *upstream.Group) (string, error) { return g.ID, nil }

func (g plainGroup) Activities(_ context.Context, _ *upstream.Group, _ *model.ScalingActivityFilter, first *int32, _ *string, _ *int32, _ *string, offset *int32) (*model.ScalingActivityConnection, error) {
	return g.plain.page(offset, first), nil
}

// plainActivity resolves the lists; null if there is none.
type plainActivity struct{ graph.ScalingActivityResolver }

func (plainActivity) AddedInstances(_ context.Context, a *model.ScalingActivity) ([]*upstream.Instance, error) {
	return a.Details.Added, nil
}

func (plainActivity) RemovedInstances(_ context.Context, a *model.ScalingActivity) ([]*upstream.Instance, error) {
	return a.Details.Removed, nil
}

func (plainActivity) DeletedInstances(_ context.Context, a *model.ScalingActivity) ([]*upstream.Instance, error) {
	return a.Details.Deleted, nil
}

func (plainActivity) FailedInstances(_ context.Context, a *model.ScalingActivity) ([]*upstream.Instance, error) {
	return a.Details.Failed, nil
}

func (plainActivity) StandbyInstances(_ context.Context, a *model.ScalingActivity) ([]*upstream.Instance, error) {
	return a.Details.Standby, nil
}

func (plainActivity) BoundLoadBalancers(_ context.Context, a *model.ScalingActivity) ([]*upstream.LoadBalancerChange, error) {
	return a.Details.Bound, nil
}

func (plainActivity) BindFailedLoadBalancers(_ context.Context, a *model.ScalingActivity) ([]*upstream.LoadBalancerChange, error) {
	return a.Details.BindFailed, nil
}

func (plainActivity) UnboundLoadBalancers(_ context.Context, a *model.ScalingActivity) ([]*upstream.LoadBalancerChange, error) {
	return a.Details.Unbound, nil
}

func (plainActivity) UnbindFailedLoadBalancers(_ context.Context, a *model.ScalingActivity) ([]*upstream.LoadBalancerChange, error) {
	return a.Details.UnbindFailed, nil
}
