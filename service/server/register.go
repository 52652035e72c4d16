package server

import (
	"context"
	_ "embed"
	"fmt"
	"os"

	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/service/api"
	"github.com/example/microscanner-frontend/service/mail"
	"github.com/example/microscanner-frontend/service/register"
)

// defaultTerms are the terms of a service that has none of its own.
//
//go:embed terms.txt
var defaultTerms string

// defaultTermsVersion changes with the text.
const defaultTermsVersion = "1"

// noRegistrar is what a service without a mail server has.
type noRegistrar struct{ terms remote.Terms }

func (n noRegistrar) Terms() remote.Terms { return n.terms }

func (noRegistrar) Register(context.Context, remote.RegisterRequest, string) error {
	return api.ErrNoRegistration
}

// newRegistrar makes what gives out tokens, and plans its job.
func (s *Server) newRegistrar() (api.Registrar, error) {
	c := s.Config
	terms := remote.Terms{Version: defaultTermsVersion, Text: defaultTerms}
	if c.TermsFile != "" {
		text, err := os.ReadFile(c.TermsFile)
		if err != nil {
			return nil, fmt.Errorf("read the terms: %w", err)
		}
		terms = remote.Terms{Version: c.TermsVersion, Text: string(text)}
	}
	if c.SMTPHost == "" {
		return noRegistrar{terms}, nil
	}
	security, err := mail.ParseSecurity(c.SMTPSecurity)
	if err != nil {
		return nil, err
	}
	roots, err := readRoots(c.SMTPCAFile)
	if err != nil {
		return nil, err
	}
	sender, err := mail.NewSMTP(mail.Config{
		Host: c.SMTPHost, Port: c.SMTPPort, Security: security, RootCAs: roots, Username: c.SMTPUser, Password: c.SMTPPassword, From: c.SMTPFrom,
	})
	if err != nil {
		return nil, err
	}
	r := register.New(s.store, sender, register.Config{
		Terms: terms, Limits: s.limits(), Service: c.URL, DailyLimit: c.DailyLimit, Now: s.Now, Log: s.log,
	})
	s.jobs = append(s.jobs, r.Run)
	return r, nil
}
