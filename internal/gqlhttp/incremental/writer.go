package incremental

import (
	"encoding/json"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// coalesceWindow is how long a part waits for further results. The fragments of all rows of a page complete at almost the same time, and
// a client renders once for each part.
const coalesceWindow = 2 * time.Millisecond

// Writer writes one response in parts. It must not be used concurrently.
type Writer struct {
	Deferral *Deferral
	Dialect  Dialect
	Part     func(json []byte) error // sends one part; an error means that the client is gone
}

// WriteInitial writes the first part.
func (w *Writer) WriteInitial(resp *graphql.Response) error {
	data, found := w.Deferral.initialData(resp.Data)
	p := payload{Data: data, Errors: resp.Errors, Extensions: resp.Extensions, HasNext: hasNext(resp)}
	p.announce(w.Dialect, found)
	return w.write(p)
}

// WriteRemaining writes the other parts until there are no more or the client is gone. When timeout is closed, the fragments that are
// still pending complete with timeoutError.
func (w *Writer) WriteRemaining(responses <-chan *graphql.Response, timeout <-chan struct{}, timeoutError func() *gqlerror.Error) error {
	for more := true; more; {
		var p payload
		select {
		case resp, ok := <-responses:
			if !ok {
				return nil
			}
			more = w.coalesce(&p, resp, responses)
		case <-timeout:
			w.completeWith(&p, timeoutError)
			more = false
		}
		p.HasNext = more
		if err := w.write(p); err != nil {
			return err
		}
	}
	return nil
}

// coalesce adds a result and those that follow within the window, and reports whether there are more.
func (w *Writer) coalesce(p *payload, resp *graphql.Response, responses <-chan *graphql.Response) (more bool) {
	window := time.NewTimer(coalesceWindow)
	defer window.Stop()
	for {
		w.add(p, resp)
		if !hasNext(resp) {
			return false
		}
		select {
		case next, ok := <-responses:
			if !ok {
				return false
			}
			resp = next
		case <-window.C:
			return true
		}
	}
}

// add adds the result of one fragment, and those of fragments in its data that arrived earlier.
func (w *Writer) add(p *payload, resp *graphql.Response) {
	f, errs := w.Deferral.complete(resp)
	if f == nil {
		return
	}
	data, found := w.Deferral.fragmentData(f, resp.Data)
	p.announce(w.Dialect, found)
	p.complete(w.Dialect, f, data, errs, resp.Extensions)
	for _, nested := range found {
		if early := w.Deferral.takeEarly(nested); early != nil {
			w.add(p, early)
		}
	}
}

// completeWith completes all pending fragments with an error.
func (w *Writer) completeWith(p *payload, newError func() *gqlerror.Error) {
	for _, f := range w.Deferral.pending {
		err := newError()
		err.Path = f.path
		p.complete(w.Dialect, f, []byte("null"), append(w.Deferral.claim(f, nil), err), nil)
	}
	clear(w.Deferral.pending)
}

func (w *Writer) write(p payload) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return w.Part(text)
}

func hasNext(resp *graphql.Response) bool { return resp.HasNext != nil && *resp.HasNext }
