package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/scanner/report"
)

// What MicroScanner asks and says when somebody registers.
const (
	acceptPrompt = "Accept and proceed? Y/N:"
	registered   = "Please check your email for the token."
)

func runRegister(ctx context.Context, env Env, args []string) error {
	f := newFlags(env, Program+" register", "EMAIL [flags]")
	var service serviceFlags
	service.add(f)
	rest, err := f.parse(args, 1, 1)
	if err != nil {
		return err
	}
	return register(ctx, env, service, rest[0])
}

// register asks a service for a token, if the user accepts its terms.
func register(ctx context.Context, env Env, service serviceFlags, email string) error {
	if !strings.Contains(email, "@") {
		return fmt.Errorf("%q is no e-mail address", email)
	}
	client, err := service.client(env, remote.Token{})
	if err != nil {
		return err
	}
	terms, err := client.Terms(ctx)
	if err != nil {
		return err
	}
	for line := range strings.Lines(terms.Text) {
		fmt.Fprintln(env.Stdout, report.Printable(strings.TrimRight(line, "\r\n")))
	}
	fmt.Fprintln(env.Stdout, acceptPrompt)
	if accepted, err := readConsent(env.Stdin); err != nil {
		return err
	} else if !accepted {
		return errors.New("the terms were not accepted, so nothing was sent")
	}
	if err := client.Register(ctx, remote.RegisterRequest{Email: email, TermsVersion: terms.Version}); err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.Stdout, registered)
	return err
}

// readConsent reads one line. Anything but a yes is a no; so is the end of the
// input.
func readConsent(in io.Reader) (bool, error) {
	const longest = 1 << 10
	if in == nil {
		return false, nil
	}
	line, err := bufio.NewReader(io.LimitReader(in, longest)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("cannot read the answer: %w", err)
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes", nil
}
