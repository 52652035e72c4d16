// Package config is the settings of the service: one typed struct, read once.
package config

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// EnvPrefix begins the names of environment variables: the setting daily-limit
// is MICROSCANNER_DAILY_LIMIT.
const EnvPrefix = "MICROSCANNER_"

// Config is all settings. keys.go says what each is.
type Config struct {
	Listen, MetricsListen string
	PlainHTTP             bool
	TLSCert, TLSKey       string
	TrustedProxies        []netip.Prefix
	MaxConnections        int
	StopTime              time.Duration
	LogLevel              string

	DB                        string
	DBPoll                    time.Duration
	DatabaseCacheMB           int
	UpdateEvery               time.Duration
	DBCache                   string
	DBFeeds, DBMirrors        []string
	DBDistros                 []string
	Store, StoreURL           string
	HistoryTime               time.Duration
	Policy                    []string
	DailyLimit                int
	ScanSlots                 int
	ScanTime                  time.Duration
	MaxBufferedMB             int
	ClientDir                 string
	TermsFile, TermsVersion   string
	URL                       string
	RegisterWindow            time.Duration
	RegisterPerEmail          int
	RegisterPerSource         int
	UnconfirmedTime           time.Duration
	SMTPHost, SMTPFrom        string
	SMTPUser, SMTPPassword    string
	SMTPSecurity, SMTPCAFile  string
	SMTPPort                  int
	MaxWebhooks, MaxWatched   int
	WebhookPrivate            []netip.Prefix
	WebhookPlainHTTP          bool
	WebhookCAFile             string
	WebhookAttempts           int
	WebhookPause, WebhookPoll time.Duration
}

// Load reads the settings: from args, else from the environment, else from the
// file that the setting config names. environ has the form of os.Environ. With
// --help it prints the settings and returns pflag.ErrHelp.
func Load(args, environ []string, help io.Writer) (*Config, error) {
	c := &Config{}
	var file string
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	flags.SortFlags = false
	flags.Usage = func() {}
	flags.StringVar(&file, keyConfig, "", "YAML file with settings, by the names of these flags")
	secrets := c.define(flags)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			_, _ = fmt.Fprint(help, flags.FlagUsages())
		}
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%q is no setting; settings begin with --", flags.Arg(0))
	}
	if err := fromEnvironment(flags, environ); err != nil {
		return nil, err
	}
	if file != "" {
		if err := fromFile(flags, file); err != nil {
			return nil, err
		}
	}
	for _, s := range secrets {
		if err := s.read(); err != nil {
			return nil, err
		}
	}
	return c, c.check()
}

// fromEnvironment sets what args did not set. Names that are no setting are not
// ours: other programs have the prefix too.
func fromEnvironment(flags *pflag.FlagSet, environ []string) error {
	values := map[string]string{}
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		values[name] = value
	}
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		name := EnvPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value, ok := values[name]; ok && !f.Changed && err == nil {
			err = set(flags, f.Name, value, name)
		}
	})
	return err
}

// fromFile sets what neither args nor the environment set. A name that is no
// setting is an error.
func fromFile(flags *pflag.FlagSet, file string) error {
	text, err := os.ReadFile(file) //nolint:gosec // G304: the operator's own file.
	if err != nil {
		return fmt.Errorf("read the settings: %w", err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(text, &values); err != nil {
		return fmt.Errorf("%s is not a YAML file of settings: %w", file, err)
	}
	changed := map[string]bool{}
	flags.Visit(func(f *pflag.Flag) { changed[f.Name] = true })
	for name, value := range values {
		if flags.Lookup(name) == nil || name == keyConfig {
			return fmt.Errorf("%s: there is no setting %q", file, name)
		}
		if changed[name] {
			continue
		}
		list, ok := value.([]any)
		if !ok {
			list = []any{value}
		}
		for _, v := range list {
			if err := set(flags, name, fmt.Sprint(v), file); err != nil {
				return err
			}
		}
	}
	return nil
}

func set(flags *pflag.FlagSet, name, value, origin string) error {
	if err := flags.Set(name, value); err != nil {
		return fmt.Errorf("the setting %s cannot be %q (%s)", name, value, origin)
	}
	return nil
}

// secret is a setting that is in a file of its own: arguments and environment
// are seen by others.
type secret struct {
	key  string
	file *string
	to   *string
}

// maxSecret is the size of such a file.
const maxSecret = 16 << 10

func (s *secret) read() error {
	if *s.file == "" {
		return nil
	}
	f, err := os.Open(*s.file)
	if err != nil {
		return fmt.Errorf("read the setting %s: %w", s.key, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecret))
	if err != nil {
		return fmt.Errorf("read the setting %s: %w", s.key, err)
	}
	*s.to = strings.TrimSpace(string(text))
	if *s.to == "" {
		return fmt.Errorf("the file that the setting %s names is empty", s.key)
	}
	return nil
}

// check finds what cannot be, before anything is opened.
func (c *Config) check() error {
	switch {
	case c.PlainHTTP && (c.TLSCert != "" || c.TLSKey != ""):
		return fmt.Errorf("%s and %s exclude each other", keyPlainHTTP, keyTLSCert)
	case !c.PlainHTTP && (c.TLSCert == "" || c.TLSKey == ""):
		return fmt.Errorf("set %s and %s for HTTPS, or %s behind a proxy that has it", keyTLSCert, keyTLSKey, keyPlainHTTP)
	case c.Store != "" && c.StoreURL != "":
		return fmt.Errorf("%s and %s exclude each other", keyStore, keyStoreURLFile)
	case c.Store == "" && c.StoreURL == "":
		return fmt.Errorf("set %s or %s", keyStore, keyStoreURLFile)
	case !slices.Contains(levels(), c.LogLevel):
		return fmt.Errorf("the setting %s cannot be %q; allowed are %s", keyLogLevel, c.LogLevel, strings.Join(levels(), ", "))
	case len(c.DBFeeds) > 0 && (len(c.DBMirrors) > 0 || len(c.DBDistros) > 0):
		return fmt.Errorf("%s names all feeds that are read: %s and %s have nothing to choose from", keyDBFeed, keyDBMirror, keyDBDistro)
	}
	if c.SMTPHost != "" && (c.SMTPFrom == "" || c.URL == "") {
		return fmt.Errorf("%s needs %s and %s", keySMTPHost, keySMTPFrom, keyURL)
	}
	if (c.TermsFile == "") != (c.TermsVersion == "") {
		return fmt.Errorf("%s and %s belong together", keyTermsFile, keyTermsVersion)
	}
	for key, n := range map[string]int{
		keyDailyLimit: c.DailyLimit, keyScanSlots: c.ScanSlots, keyMaxConnections: c.MaxConnections, keyMaxBuffered: c.MaxBufferedMB,
		keyMaxWatched: c.MaxWatched, keyWebhookAttempts: c.WebhookAttempts,
	} {
		if n < 1 {
			return fmt.Errorf("the setting %s cannot be %d; it is at least 1", key, n)
		}
	}
	for key, d := range map[string]time.Duration{
		keyDBPoll: c.DBPoll, keyScanTime: c.ScanTime, keyStopTime: c.StopTime, keyHistory: c.HistoryTime,
		keyWebhookPoll: c.WebhookPoll, keyWebhookPause: c.WebhookPause, keyRegisterWindow: c.RegisterWindow,
	} {
		if d <= 0 {
			return fmt.Errorf("the setting %s cannot be %s; it is above 0", key, d)
		}
	}
	return nil
}

func levels() []string { return []string{"debug", "info", "warn", "error"} }
