package storetest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/service/store"
)

// The environment of the process that testKill kills: the store's address, a
// name for its registrations, and the daily limit of the token "a".
const (
	childAddress = "MICROSCANNER_TEST_STORE"
	childName    = "MICROSCANNER_TEST_NAME"
)

const killLimit = 1500

// Main is TestMain of the packages that call Run: the test's program is also the
// process that testKill kills.
func Main(m *testing.M, k Kind) {
	if address, ok := os.LookupEnv(childAddress); ok {
		if err := work(k, address, os.Getenv(childName)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// work takes scans and registers addresses as fast as it can, and writes a line
// for each that was granted, until the token has no scans left.
func work(k Kind, address, name string) error {
	ctx := context.Background()
	s, err := k.Open(ctx, address, store.Options{})
	if err != nil {
		return err
	}
	token, err := s.Token(ctx, HashOf("a"))
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var failure error
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	together(16, func(i int) {
		for n := range killLimit { // a limit that does not hold ends too
			_, ok, err := s.Take(ctx, token.ID, Now(), killLimit)
			if ok {
				say("scan")
			}
			email := fmt.Sprintf("%s.%d.%d@example.org", name, i, n)
			if err == nil {
				err = s.Register(ctx, store.Registration{Email: email, TermsVersion: "1", Source: "s", At: Now()}, store.RegistrationLimits{Window: time.Hour, PerEmail: 1})
			}
			if err != nil {
				mu.Lock()
				failure = err
				mu.Unlock()
				return
			}
			say("mail %s", email)
			if !ok {
				return
			}
		}
	})
	return failure
}

// testKill kills processes in the middle of their work: each scan that they let
// through is counted, and each registration that they accepted has its mail.
func testKill(t *testing.T, k Kind) {
	ctx, address := t.Context(), k.New(t)
	AddToken(t, open(t, k, address, store.Options{}), "a")
	scans, emails := 0, map[string]bool{}
	child := func(name string, lines int) {
		t.Helper()
		cmd := exec.CommandContext(ctx, os.Args[0]) //nolint:gosec // this program
		cmd.Env = append(os.Environ(), childAddress+"="+address, childName+"="+name)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		seen := 0
		for input := bufio.NewScanner(out); input.Scan(); seen++ {
			if lines > 0 && seen == lines {
				require.NoError(t, cmd.Process.Kill())
			}
			if email, ok := strings.CutPrefix(input.Text(), "mail "); ok && strings.HasSuffix(email, "@example.org") {
				emails[email] = true
			} else if input.Text() == "scan" {
				scans++
			}
		}
		err = cmd.Wait()
		if lines > 0 {
			require.ErrorContains(t, err, "killed")
			require.Greater(t, seen, lines/2)
			return
		}
		require.NoError(t, err)
	}
	for i := range 4 {
		child(fmt.Sprint("killed", i), 300+50*i)
	}
	s := open(t, k, address, store.Options{})
	token, err := s.Token(ctx, HashOf("a"))
	require.NoError(t, err)
	used, err := s.Used(ctx, token.ID, Now())
	require.NoError(t, err)
	assert.GreaterOrEqual(t, used, scans, "a scan that was let through is not counted")
	require.Less(t, used, killLimit, "the test killed nothing in the middle")

	child("last", 0)
	used, err = s.Used(ctx, token.ID, Now())
	require.NoError(t, err)
	assert.Equal(t, killLimit, used)
	assert.LessOrEqual(t, scans, killLimit, "more scans than the limit were let through")
	mails, err := s.DueMails(ctx, Now(), time.Minute, 1_000_000)
	require.NoError(t, err)
	for _, m := range mails {
		delete(emails, m.Email)
	}
	assert.Empty(t, emails, "registrations that were accepted have no mail")
}
