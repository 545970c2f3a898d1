// Package observer judges the whole program from outside: random clients read a random log over HTTP while it changes, and every response is
// compared with all states that the log had between the response's `asOf` and its arrival. It has no code outside of its tests.
//
// The model is written from contract/*.graphqls and the API documents. It imports the program to start it and the emulator to move it, and
// shares no code with either: order, filters, windows and merging are implemented again.
//
//   - record: every state of every row, with its time, from the emulator's history.
//   - mover: inserts, ties, updates, ends and expires rows, between requests and during the upstream calls of one request.
//   - walker: pages forward, backward and by offset, with filters, over one group or several, plain or with @defer; summaries.
//   - follower: subscribes over SSE and WebSocket, and reconnects with `since` to any replica.
//
// Most histories run in a synctest bubble with default settings, so that minutes pass at once; HTTP then runs over in-memory connections.
// The others run real sockets, several replicas and a redis-server that is restarted.
//
//	go test ./internal/observer -histories 5000 -subscriptions 500 -seed 1
package observer
