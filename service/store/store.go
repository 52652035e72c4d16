// Package store keeps what the service has to remember: accounts, tokens, the
// day's scans, the history of images, and the messages that webhooks did not
// take yet. SQLite and PostgreSQL do it alike; both run the same tests.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The errors that callers tell apart. Every other error is the store's own and
// says nothing about the request.
var (
	ErrNotFound = errors.New("there is no such entry")
	ErrRevoked  = errors.New("the token is revoked")
	// ErrLimit is a limit on registrations, watched images or webhooks.
	ErrLimit = errors.New("the limit is reached")
	// ErrEmailLimit is an ErrLimit: of an address. Telling it to whoever asks
	// would tell that somebody has registered the address.
	ErrEmailLimit = fmt.Errorf("too many registrations of the address: %w", ErrLimit)
)

// SourceLimitError is an ErrLimit: of a source of registrations.
type SourceLimitError struct {
	Until time.Time // when the source may register again
}

func (e *SourceLimitError) Error() string {
	return "too many registrations of the source: " + ErrLimit.Error()
}

// Unwrap returns ErrLimit.
func (e *SourceLimitError) Unwrap() error { return ErrLimit }

// Options are what a store is opened with.
type Options struct {
	// MaxWatched is how many images a token can watch, each platform for itself;
	// 0 for any number.
	MaxWatched int
}

// Hash is what is kept of a token: its SHA-256. A token has 160 random bits, so
// that no salt is needed.
type Hash [32]byte

// Token is one token.
type Token struct {
	ID        int64
	AccountID int64
	Created   time.Time
	Confirmed time.Time // zero until it was used or confirmed
	LastUsed  time.Time // zero until it was used
	Revoked   time.Time // zero unless it is
	// Limit is the scans a day; 0 for the service's default.
	Limit int
}

// Registration is a request for a token.
type Registration struct {
	// Email is the address, normalised. It is the one personal thing that is
	// kept, for sending the mail and for answering "who is this".
	Email        string
	TermsVersion string // of the terms that were accepted
	// Source is where the request came from: an address or a network of IPv6.
	Source string
	// Token, unless it is zero, is a token that the owner has already, as from
	// whoever runs the service; then no mail is sent.
	Token Hash
	At    time.Time
}

// Mail is a mail to send to somebody who registered. It has no token: each
// attempt to send it makes a new one, so that a token is never stored.
type Mail struct {
	ID           int64
	Email        string
	TermsVersion string    // of the terms that were accepted
	Accepted     time.Time // when they were
	Attempts     int       // this one included
}

// RegistrationLimits bound registrations in a sliding window. A limit of 0 is
// none.
type RegistrationLimits struct {
	Window               time.Duration
	PerEmail, PerSource  int
	UnconfirmedRetention time.Duration // after which an unconfirmed token is deleted
}

// Quota is what is left of a day's scans.
type Quota struct {
	Limit, Used int
	Reset       time.Time // the next midnight, UTC
}

// Remaining is the number of scans that are left.
func (q Quota) Remaining() int { return max(q.Limit-q.Used, 0) }

// ScanRecord is the summary of one scan. Findings are kept to tell what is new
// by the next one; the inventory only if it is watched.
type ScanRecord struct {
	ID       int64
	TokenID  int64
	Image    string // its name; scans without one are not recorded
	Platform string
	At       time.Time
	OS       string // "debian 12"
	Packages int
	Pass     bool
	Database string // the advisory database's digest
	Findings []Finding
	// Inventory is the JSON form, compressed; nil unless the image is watched.
	Inventory []byte
}

// Finding is a finding as the history keeps it.
type Finding struct {
	ID       string `json:"id"`
	Package  string `json:"package"`
	Version  string `json:"version"`
	Severity string `json:"severity"`
	Fixed    string `json:"fixed,omitempty"`
}

// Webhook is a place that is told of newly affected images.
type Webhook struct {
	ID      int64
	TokenID int64
	URL     string
	// Secret keys the signature of every message. The service has to know it, so
	// it is kept as it is.
	Secret  []byte
	Created time.Time
}

// Delivery is a message for a webhook. Attempts that failed are tried again
// until it is dead.
type Delivery struct {
	ID        int64
	WebhookID int64
	Body      []byte
	Created   time.Time
	Attempts  int       // this one included, if Due gave it
	Next      time.Time // of the next attempt
	LastError string    // for people, without secrets
	Dead      bool
}

// Store is what the service remembers. All methods are safe for concurrent use,
// by several processes too.
type Store interface {
	// Register keeps a registration, and a mail to send or the token that it has,
	// unless a limit forbids it: then the error is ErrEmailLimit or a
	// *SourceLimitError, both ErrLimit. It does not tell known addresses from new
	// ones. When it returned nil, nothing but Purge forgets the mail.
	Register(ctx context.Context, r Registration, limits RegistrationLimits) error
	// DueMails claims mails whose time has come, at most n, so that no other
	// process has them before lease is over.
	DueMails(ctx context.Context, now time.Time, lease time.Duration, n int) ([]Mail, error)
	// IssueToken keeps the token that an attempt to send a mail carries. A mail
	// that was sent without our noticing is sent again, so that earlier ones stay.
	IssueToken(ctx context.Context, mail int64, h Hash, at time.Time) error
	// MailSent forgets a mail; MailFailed plans its next attempt, or gives it up.
	MailSent(ctx context.Context, id int64) error
	MailFailed(ctx context.Context, id int64, reason string, next time.Time, dead bool) error

	// Token finds a token; ErrNotFound, or ErrRevoked with the token.
	Token(ctx context.Context, h Hash) (Token, error)
	// Confirm notes that the owner has the token. It is no error to do it again.
	Confirm(ctx context.Context, id int64, at time.Time) error
	// Revoke ends a token for good, and with it its webhooks and what it watches.
	Revoke(ctx context.Context, id int64, at time.Time) error
	// Purge deletes what is past its time: unconfirmed tokens and unsent mails,
	// registrations that no window reaches, usage of past days; and what is older
	// than history: scans that are not watched, dead messages, revoked tokens. An
	// address without a token goes too.
	Purge(ctx context.Context, now time.Time, limits RegistrationLimits, history time.Duration) error

	// Take counts one scan of a token on the UTC day of at, unless limit scans
	// are counted already; ok tells. It is exact, whatever else is running. It
	// also notes that the token was used, at most once a minute, and with that
	// confirms it.
	Take(ctx context.Context, id int64, at time.Time, limit int) (q Quota, ok bool, err error)
	// GiveBack takes back what Take counted for a scan that the service failed.
	GiveBack(ctx context.Context, id int64, at time.Time) error
	Used(ctx context.Context, id int64, at time.Time) (int, error)

	// AddScan keeps a scan and gives it an id. With an inventory the image is
	// watched from now on, by this scan; the error is ErrLimit, and nothing is
	// kept, if the token watches too many images.
	AddScan(ctx context.Context, s ScanRecord) (int64, error)
	// LastScans gives the newest scans of an image, at most n, newest first; with
	// an empty platform those of any.
	LastScans(ctx context.Context, token int64, image, platform string, n int) ([]ScanRecord, error)
	// Watched goes through the scan that each watched image is watched by, with
	// its inventory. It ends at f's first error. f may call the store.
	Watched(ctx context.Context, f func(ScanRecord) error) error
	// UpdateFindings replaces what is known of a watched image.
	UpdateFindings(ctx context.Context, scan int64, database string, findings []Finding) error
	// Unwatch forgets the inventories of an image.
	Unwatch(ctx context.Context, token int64, image string) error

	// AddWebhook gives a webhook an id; ErrLimit if the token has most already.
	AddWebhook(ctx context.Context, w Webhook, most int) (int64, error)
	Webhooks(ctx context.Context, token int64) ([]Webhook, error)
	Webhook(ctx context.Context, id int64) (Webhook, error)
	DeleteWebhook(ctx context.Context, token, id int64) error
	// Enqueue keeps a message for a webhook until it is delivered or dead.
	Enqueue(ctx context.Context, d Delivery) error
	// Due claims messages whose time has come, at most n, so that no other
	// process has them before lease is over.
	Due(ctx context.Context, now time.Time, lease time.Duration, n int) ([]Delivery, error)
	// Delivered forgets a message; Failed plans its next attempt, or buries it.
	Delivered(ctx context.Context, id int64) error
	Failed(ctx context.Context, id int64, reason string, next time.Time, dead bool) error
	DeadLetters(ctx context.Context, token int64, n int) ([]Delivery, error)
	// Revive makes a dead message due again.
	Revive(ctx context.Context, token, id int64, now time.Time) error

	// Ping says whether the store answers.
	Ping(ctx context.Context) error
	// Backup writes a consistent copy of an SQLite store to a new file;
	// PostgreSQL has tools of its own, and returns an error that names them.
	Backup(ctx context.Context, file string) error
	Close() error
}
