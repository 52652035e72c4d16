package register

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/example/microscanner-frontend/service/mail"
	"github.com/example/microscanner-frontend/service/store"
	"github.com/example/microscanner-frontend/service/token"
)

const (
	// batch is how many mails are claimed at once, and sent at the same time.
	batch = 4
	// lease is how long a mail belongs to the process that claimed it: more than
	// any sender takes.
	lease = 5 * time.Minute
	// poll finds mails of other processes, and those whose next attempt has come.
	poll = 15 * time.Second
	// The wait before the second attempt; it doubles up to the longest.
	firstWait   = time.Minute
	longestWait = 4 * time.Hour
	// giveUp is when a mail is not tried any more.
	giveUp = 3 * 24 * time.Hour
)

// Run sends mail until ctx is done. It returns when what it has begun is sent or
// has failed; what is left stays in the store.
func (r *Registrar) Run(ctx context.Context) {
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		if err := r.SendDue(ctx); err != nil && ctx.Err() == nil {
			r.config.Log.ErrorContext(ctx, "mails stay unsent", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-r.wake:
		}
	}
}

// SendDue sends all mails whose time has come. Its error is the store's; a mail
// that cannot be sent is planned again.
func (r *Registrar) SendDue(ctx context.Context) error {
	for ctx.Err() == nil {
		mails, err := r.store.DueMails(ctx, r.config.Now(), lease, batch)
		if err != nil {
			return err
		}
		var group errgroup.Group
		for _, m := range mails {
			group.Go(func() error { return r.send(ctx, m) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
		if len(mails) < batch {
			return nil
		}
	}
	return nil
}

// send makes one attempt. The service's end interrupts the sending, but not that
// its outcome is kept.
func (r *Registrar) send(ctx context.Context, m store.Mail) error {
	t := token.New()
	if err := r.store.IssueToken(ctx, m.ID, t.Hash(), r.config.Now().UTC()); err != nil {
		return err
	}
	message, err := mail.TokenMessage(m.Email, t, mail.TokenTerms{
		Service: r.config.Service, Version: m.TermsVersion, Accepted: m.Accepted, Limit: r.config.DailyLimit,
		Unused: int(r.config.Limits.UnconfirmedRetention / (24 * time.Hour)),
	})
	if err == nil {
		err = r.sender.Send(ctx, message)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err == nil {
		return r.store.MailSent(ctx, m.ID)
	}
	next, dead := r.plan(m, err)
	r.config.Log.WarnContext(ctx, "a mail was not sent", "mail", m.ID, "attempt", m.Attempts, "error", err, "given_up", dead)
	return r.store.MailFailed(ctx, m.ID, err.Error(), next, dead)
}

// storeTimeout bounds what is done although the service ends.
const storeTimeout = 10 * time.Second

// plan is when to try a mail again that failed.
func (r *Registrar) plan(m store.Mail, err error) (next time.Time, dead bool) {
	wait := longestWait
	if shift := m.Attempts - 1; shift >= 0 && shift < 8 {
		wait = firstWait << shift
	}
	next = r.config.Now().Add(wait)
	var failed *mail.Error
	dead = errors.As(err, &failed) && failed.Permanent
	return next, dead || next.Sub(m.Accepted) > giveUp
}
