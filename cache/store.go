package cache

// store is the second tier, shared by all replicas.
type store struct{}
