package remote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// maxTries is how often a request is made that fails without a reason to wait.
	maxTries = 3
	// usualWait is how long a busy service is waited for that does not say.
	usualWait = 5 * time.Second
)

// do does a call until it succeeds, or another try is of no use.
func (c *Client) do(ctx context.Context, call call) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = c.options.Pause
	t := &tries{client: c, once: call.once}
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		return struct{}{}, t.next(c.attempt(ctx, call))
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0))
	return c.options.Token.hideError(err)
}

// tries decides what follows a try.
type tries struct {
	client *Client
	once   bool
	failed int           // tries that failed without a reason to wait
	waited time.Duration // as the service asked to, in total
}

// next gives the error that package backoff acts on.
func (t *tries) next(err error) error {
	var try *tryError
	if !errors.As(err, &try) {
		if err == nil {
			return nil
		}
		return backoff.Permanent(err)
	}
	if !try.busy {
		t.failed++
		if t.failed == maxTries {
			return backoff.Permanent(fmt.Errorf("%w (tried %d times)", try.error, maxTries))
		}
	}
	// A registration that did not come through may have been heard all the same.
	if t.once && !try.busy {
		return backoff.Permanent(try.error)
	}
	if !try.busy && try.after == 0 {
		return try.error
	}
	wait := max(try.after, time.Second)
	if try.after == 0 {
		wait = usualWait
	}
	if t.waited+wait > t.client.options.MaxWait {
		return backoff.Permanent(try.error)
	}
	t.waited += wait
	t.client.options.Notice(fmt.Sprintf("%s is busy: waiting for %s", t.client.Server(), wait.Round(time.Second)))
	return &backoff.RetryAfterError{Duration: wait}
}
