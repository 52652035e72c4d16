package register_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/service/mail"
	"github.com/example/microscanner-frontend/service/register"
	"github.com/example/microscanner-frontend/service/store"
	"github.com/example/microscanner-frontend/service/store/sqlite"
)

func plainSender(t testing.TB, port int) mail.Sender {
	t.Helper()
	sender, err := mail.NewSMTP(mail.Config{Host: "127.0.0.1", Port: port, Security: mail.Plain, From: "noreply@example.org", Timeout: 10 * time.Second})
	require.NoError(t, err)
	return sender
}

// registerMany registers addresses until it is killed, sends their mails, and
// prints each address that was accepted.
func registerMany(t *testing.T, file string, port int, name string) {
	s, err := sqlite.Open(t.Context(), file, store.Options{})
	require.NoError(t, err)
	now := func() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }
	r := register.New(s, plainSender(t, port), register.Config{Terms: remote.Terms{Version: "2026-01"}, Now: now, Log: slog.New(slog.DiscardHandler)})
	go r.Run(t.Context())
	for i := 0; ; i++ {
		email := fmt.Sprintf("%s%d@example.org", name, i)
		require.NoError(t, r.Register(t.Context(), request(email), fmt.Sprint(i)))
		fmt.Println("accepted", email)
	}
}

// readLines gives the addresses that registerMany prints, and calls stop at the
// nth.
func readLines(r io.Reader, n int, stop func()) (list []string) {
	for input := bufio.NewScanner(r); input.Scan(); {
		if email, ok := strings.CutPrefix(input.Text(), "accepted "); ok && strings.HasSuffix(email, ".org") {
			if list = append(list, email); len(list) == n {
				stop()
			}
		}
	}
	return list
}
