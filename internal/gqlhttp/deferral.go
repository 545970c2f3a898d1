package gqlhttp

import "context"

type deferralKey struct{}

// withDeferral returns a context in which documents keep their @defer directives.
func withDeferral(ctx context.Context) context.Context {
	return context.WithValue(ctx, deferralKey{}, true)
}

func withoutDeferral(ctx context.Context) context.Context {
	return context.WithValue(ctx, deferralKey{}, false)
}

func deferralWanted(ctx context.Context) bool {
	wanted, _ := ctx.Value(deferralKey{}).(bool)
	return wanted
}
