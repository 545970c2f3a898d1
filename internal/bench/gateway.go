package main

import (
	"context"
	"flag"
	"net/http"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"scalegraph/graph"
	"scalegraph/graph/model"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// serveGateway is the role of gqlgen's own server with resolvers that call the upstream: no cache, no shared calls, pages by offset.
func serveGateway(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("gateway", flag.ContinueOnError)
	listen := flags.String("listen", "", "address")
	base := flags.String("upstream", "", "URL")
	if err := flags.Parse(args); err != nil {
		return err
	}
	client, err := upstream.New(upstream.Config{Endpoints: map[string]string{"default": *base}, Concurrency: 10 * fleetConsoles})
	if err != nil {
		return err
	}
	defer client.Close()
	h := handler.New(graph.NewExecutableSchema(graph.Config{Resolvers: &gateway{client: client}}))
	h.AddTransport(transport.POST{})
	h.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	return listenAndServe(ctx, *listen, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller := &request.Caller{Token: r.Header.Get("X-Auth-Token")}
		h.ServeHTTP(w, r.WithContext(request.WithCaller(r.Context(), caller)))
	}))
}

// gateway resolves the fields that the fleet requests; the embedded interfaces stand for all others.
type gateway struct {
	graph.ResolverRoot
	client *upstream.Client
}

func (g *gateway) Query() graph.QueryResolver                     { return gatewayQuery{} }
func (g *gateway) ScalingGroup() graph.ScalingGroupResolver       { return gatewayGroup{client: g.client} }
func (g *gateway) ScalingActivity() graph.ScalingActivityResolver { return plainActivity{} }
func (g *gateway) Subscription() graph.SubscriptionResolver       { return nil }

type gatewayQuery struct{ graph.QueryResolver }

func (gatewayQuery) ScalingGroup(_ context.Context, id string, _, _ *string) (*upstream.Group, error) {
	return &upstream.Group{Region: "default", Project: project, ID: id}, nil
}

func (gatewayQuery) ScalingGroups(_ context.Context, refs []*model.ScalingGroupRef) ([]*upstream.Group, error) {
	groups := make([]*upstream.Group, len(refs))
	for i, ref := range refs {
		groups[i] = &upstream.Group{Region: "default", Project: project, ID: ref.GroupID}
	}
	return groups, nil
}

type gatewayGroup struct {
	graph.ScalingGroupResolver
	client *upstream.Client
}

func (gatewayGroup) ID(_ context.Context, g *upstream.Group) (string, error) { return g.ID, nil }

func (r gatewayGroup) Activities(ctx context.Context, g *upstream.Group, _ *model.ScalingActivityFilter, first *int32, _ *string, _ *int32, _ *string, offset *int32) (*model.ScalingActivityConnection, error) {
	q := upstream.ListQuery{Group: *g, Limit: 20}
	if first != nil {
		q.Limit = int(*first)
	}
	if offset != nil {
		q.Offset = int(*offset)
	}
	listing, err := r.client.List(ctx, q)
	if err != nil {
		return nil, err
	}
	c := &model.ScalingActivityConnection{TotalCount: int32(listing.Total), AsOf: listing.At}
	for _, row := range listing.Rows {
		c.Nodes = append(c.Nodes, model.ScalingActivity{Activity: row, ID: row.LogID})
	}
	return c, nil
}
