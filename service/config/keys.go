package config

import (
	"net/netip"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/example/microscanner-frontend/service/register"
)

// The names of the settings: of flags, of keys in the file, and with EnvPrefix
// in capitals and with underscores, of environment variables.
const (
	keyConfig         = "config"
	keyListen         = "listen"
	keyMetricsListen  = "metrics-listen"
	keyPlainHTTP      = "plain-http"
	keyTLSCert        = "tls-cert"
	keyTLSKey         = "tls-key"
	keyTrustedProxy   = "trusted-proxy"
	keyMaxConnections = "max-connections"
	keyStopTime       = "stop-time"
	keyLogLevel       = "log-level"

	keyDB          = "db"
	keyDBPoll      = "db-poll"
	keyDBMemory    = "db-memory"
	keyUpdateEvery = "update-every"
	keyDBCache     = "db-cache"
	keyDBFeed      = "db-feed"
	keyDBMirror    = "db-mirror"
	keyDBDistro    = "db-distro"

	keyStore        = "store"
	keyStoreURLFile = "store-url-file"
	keyHistory      = "history"

	keyPolicy      = "policy"
	keyDailyLimit  = "daily-limit"
	keyScanSlots   = "scan-slots"
	keyScanTime    = "scan-time"
	keyMaxBuffered = "max-buffered"
	keyClientDir   = "client-dir"

	keyURL               = "url"
	keyTermsFile         = "terms-file"
	keyTermsVersion      = "terms-version"
	keyRegisterWindow    = "register-window"
	keyRegisterPerEmail  = "register-per-email"
	keyRegisterPerSource = "register-per-source"
	keyUnconfirmed       = "unconfirmed"

	keySMTPHost         = "smtp-host"
	keySMTPPort         = "smtp-port"
	keySMTPFrom         = "smtp-from"
	keySMTPUser         = "smtp-user"
	keySMTPPasswordFile = "smtp-password-file"
	keySMTPSecurity     = "smtp-security"
	keySMTPCAFile       = "smtp-ca-file"

	keyMaxWebhooks      = "max-webhooks"
	keyMaxWatched       = "max-watched"
	keyWebhookPrivate   = "webhook-private-network"
	keyWebhookPlainHTTP = "webhook-plain-http"
	keyWebhookCAFile    = "webhook-ca-file"
	keyWebhookAttempts  = "webhook-attempts"
	keyWebhookPause     = "webhook-pause"
	keyWebhookPoll      = "webhook-poll"
)

const day = 24 * time.Hour

// define makes a flag of each setting, with its default. It returns those whose
// value is in a file.
func (c *Config) define(f *pflag.FlagSet) []secret {
	c.defineServer(f)
	c.defineDatabase(f)
	c.defineScans(f)
	c.defineWebhooks(f)
	var url, password string
	f.StringVar(&c.Store, keyStore, "", "file of the SQLite store")
	f.StringVar(&url, keyStoreURLFile, "", "file that holds the URL of the PostgreSQL store, postgres://…")
	f.DurationVar(&c.HistoryTime, keyHistory, 90*day, "how long scans are kept that are not watched")
	c.defineRegistration(f)
	f.StringVar(&password, keySMTPPasswordFile, "", "file that holds the password for the mail server")
	return []secret{{keyStoreURLFile, &url, &c.StoreURL}, {keySMTPPasswordFile, &password, &c.SMTPPassword}}
}

func (c *Config) defineServer(f *pflag.FlagSet) {
	f.StringVar(&c.Listen, keyListen, ":8443", "address to listen at, HOST:PORT")
	f.StringVar(&c.TLSCert, keyTLSCert, "", "PEM file of the certificate, with those above it; read again when it changes")
	f.StringVar(&c.TLSKey, keyTLSKey, "", "PEM file of the certificate's key")
	f.BoolVar(&c.PlainHTTP, keyPlainHTTP, false, "talk HTTP: behind a proxy that has the certificate")
	f.Var((*prefixes)(&c.TrustedProxies), keyTrustedProxy, "address or network whose X-Forwarded-For is believed; may be repeated")
	f.StringVar(&c.MetricsListen, keyMetricsListen, "", "address for the metrics alone, over HTTP; without it they are at /metrics of the service")
	f.IntVar(&c.MaxConnections, keyMaxConnections, 15000, "open connections; above it, the one that is idle for longest is closed")
	f.DurationVar(&c.StopTime, keyStopTime, 30*time.Second, "how long a stop waits for requests to end")
	f.StringVar(&c.LogLevel, keyLogLevel, "info", "least level that is logged: debug, info, warn, error")
}

func (c *Config) defineDatabase(f *pflag.FlagSet) {
	f.StringVar(&c.DB, keyDB, "db", "directory of the advisory database; another one in its place is loaded")
	f.DurationVar(&c.DBPoll, keyDBPoll, 5*time.Second, "how often to look for another database")
	f.IntVar(&c.DatabaseCacheMB, keyDBMemory, 64, "memory for what scans read of the database, so that the next ones need not, in MiB")
	f.DurationVar(&c.UpdateEvery, keyUpdateEvery, 0, "build the database anew this often, as \"db build\" does; 0 for never")
	f.StringVar(&c.DBCache, keyDBCache, "", "directory that keeps what was fetched for that; without it the user's cache")
	f.StringArrayVar(&c.DBFeeds, keyDBFeed, nil, "as --feed of \"db build\"; may be repeated")
	f.StringArrayVar(&c.DBMirrors, keyDBMirror, nil, "as --mirror of \"db build\"; may be repeated")
	f.StringArrayVar(&c.DBDistros, keyDBDistro, nil, "as --distro of \"db build\"; may be repeated")
}

func (c *Config) defineScans(f *pflag.FlagSet) {
	f.IntVar(&c.DailyLimit, keyDailyLimit, 100, "scans a day for a token without a limit of its own")
	f.StringArrayVar(&c.Policy, keyPolicy, nil, "KEY=VALUE: what a scan has whose request does not set it, such as fail-on=medium; may be repeated")
	f.IntVar(&c.ScanSlots, keyScanSlots, 2*runtime.GOMAXPROCS(0), "scans that run at once")
	f.DurationVar(&c.ScanTime, keyScanTime, 30*time.Second, "how long a scan may wait and run")
	f.IntVar(&c.MaxBufferedMB, keyMaxBuffered, 256, "memory for requests and reports on their way, in MiB")
	f.StringVar(&c.ClientDir, keyClientDir, "", "directory with clients for download, microscanner-OS-ARCH")
}

func (c *Config) defineRegistration(f *pflag.FlagSet) {
	limits := register.Limits()
	f.StringVar(&c.URL, keyURL, "", "URL that users reach the service by, for mails")
	f.StringVar(&c.TermsFile, keyTermsFile, "", "file with the terms that a registration accepts; without it, those of the program")
	f.StringVar(&c.TermsVersion, keyTermsVersion, "", "version of the terms in that file")
	f.DurationVar(&c.RegisterWindow, keyRegisterWindow, limits.Window, "the time that limits of registrations count in")
	f.IntVar(&c.RegisterPerEmail, keyRegisterPerEmail, limits.PerEmail, "registrations of an e-mail address in that time; 0 for any number")
	f.IntVar(&c.RegisterPerSource, keyRegisterPerSource, limits.PerSource, "registrations from an address, or a /64 of IPv6, in that time; 0 for any number")
	f.DurationVar(&c.UnconfirmedTime, keyUnconfirmed, limits.UnconfirmedRetention, "after which a token is deleted that was never used")
	f.StringVar(&c.SMTPHost, keySMTPHost, "", "mail server that sends tokens; without one nobody can register")
	f.IntVar(&c.SMTPPort, keySMTPPort, 0, "its port; 0 for 587, or 465 with tls")
	f.StringVar(&c.SMTPFrom, keySMTPFrom, "", "sender of the mails")
	f.StringVar(&c.SMTPUser, keySMTPUser, "", "user at the mail server; without one there is no log-in")
	f.StringVar(&c.SMTPSecurity, keySMTPSecurity, "starttls", "starttls, tls, opportunistic (STARTTLS if the server has it), or none")
	f.StringVar(&c.SMTPCAFile, keySMTPCAFile, "", "PEM file of the authorities that the mail server is verified by; without it, the system's")
}

func (c *Config) defineWebhooks(f *pflag.FlagSet) {
	f.IntVar(&c.MaxWebhooks, keyMaxWebhooks, 10, "webhooks that a token can have")
	f.IntVar(&c.MaxWatched, keyMaxWatched, 100, "images that a token can watch")
	f.Var((*prefixes)(&c.WebhookPrivate), keyWebhookPrivate, "network that webhooks may lead to although it is not public; may be repeated")
	f.BoolVar(&c.WebhookPlainHTTP, keyWebhookPlainHTTP, false, "webhooks may be http:// too")
	f.StringVar(&c.WebhookCAFile, keyWebhookCAFile, "", "PEM file of the authorities that receivers are verified by; without it, the system's")
	f.IntVar(&c.WebhookAttempts, keyWebhookAttempts, 12, "attempts after which a message is dead")
	f.DurationVar(&c.WebhookPause, keyWebhookPause, 30*time.Second, "time between the first two attempts; it doubles up to 6h")
	f.DurationVar(&c.WebhookPoll, keyWebhookPoll, 5*time.Second, "how often to look for messages to send")
}

// prefixes is a list of networks; an address is the network of itself.
type prefixes []netip.Prefix

func (p *prefixes) String() string {
	texts := make([]string, 0, len(*p))
	for _, n := range *p {
		texts = append(texts, n.String())
	}
	return strings.Join(texts, ",")
}

func (p *prefixes) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if addr, err := netip.ParseAddr(part); err == nil {
			*p = append(*p, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(part)
		if err != nil {
			return err
		}
		*p = append(*p, network.Masked())
	}
	return nil
}

func (*prefixes) Type() string { return "network" }
