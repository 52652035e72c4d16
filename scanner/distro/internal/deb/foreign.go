package deb

import (
	"strings"
	"sync"

	"github.com/example/microscanner-frontend/scanner/inventory"
)

// publisher is somebody who publishes packages for Debian and Ubuntu in a
// repository of his own.
type publisher struct {
	name string
	// addresses are the mail addresses of his packages' Maintainer. One that
	// starts with "@" stands for all of that domain. Maintainers of the
	// distributions use addresses anywhere, so that only those are here that
	// none of them has.
	addresses []string
	// marks are parts of versions that the distributions never write.
	marks []string
}

func publishers() []publisher {
	return []publisher{
		{"Docker", []string{"support@docker.com", "help@containerd.io"}, nil},
		{"Elastic", []string{"info@elastic.co"}, nil},
		{"Google", []string{"chromium-dev@chromium.org", "chromium-dev@googlegroups.com", "cloud-sdk-build@google.com", "gc-team@google.com"}, nil},
		{"Grafana Labs", []string{"contact@grafana.com"}, nil},
		{"HashiCorp", []string{"@hashicorp.com"}, nil},
		{"MariaDB", []string{"maria-developers@lists.launchpad.net", "developers@lists.mariadb.org"}, []string{"+maria~"}},
		{"Microsoft", []string{"dotnetpackages@dotnetfoundation.org", "dotnetcore@microsoft.com", "gpgsecurity@microsoft.com", "linuxpackages@microsoft.com", "powershellteam@hotmail.com", "vscode-linux@microsoft.com"}, nil},
		{"MongoDB", []string{"packaging@mongodb.com"}, nil},
		{"nginx.org", []string{"nginx-packaging@f5.com", "nginx-packaging@nginx.org", "@nginx.com"}, nil},
		{"NodeSource", []string{"@nodesource.com"}, []string{"nodesource"}},
		{"Oracle MySQL", []string{"mysql-build@oss.oracle.com"}, nil},
		{"Percona", []string{"@percona.com"}, nil},
		{"PostgreSQL", nil, []string{".pgdg"}},
		{"sury.org", nil, []string{"deb.sury.org"}},
		{"Zabbix", []string{"packager@zabbix.com"}, nil},
	}
}

// Foreign gives a function that tells by the maintainer and the version who
// published a package that is not the distribution's. A package that it does not
// know counts as the distribution's own: to take one of those for another's
// would hide its vulnerabilities. The table is made at the first call.
func Foreign() func(*inventory.OS, *inventory.Package) (vendor string, foreign bool) {
	known := sync.OnceValue(publishers)
	return func(_ *inventory.OS, p *inventory.Package) (string, bool) {
		return foreign(known(), p)
	}
}

func foreign(known []publisher, p *inventory.Package) (vendor string, foreign bool) {
	address := strings.ToLower(p.Vendor)
	if _, rest, ok := strings.Cut(address, "<"); ok {
		address, _, _ = strings.Cut(rest, ">")
	}
	address = strings.TrimSpace(address)
	for i := range known {
		if who := &known[i]; who.signs(address) || who.marked(p.Version) {
			return who.name, true
		}
	}
	if isPersonal(p.Version) {
		return "a personal package archive", true
	}
	return "", false
}

func (w *publisher) signs(address string) bool {
	for _, known := range w.addresses {
		if address == known || strings.HasPrefix(known, "@") && strings.HasSuffix(address, known) {
			return true
		}
	}
	return false
}

func (w *publisher) marked(version string) bool {
	for _, mark := range w.marks {
		if strings.Contains(version, mark) {
			return true
		}
	}
	return false
}

// isPersonal tells the versions of Launchpad's personal package archives, which
// name the release behind a number of their own: 2.43.0-0ppa1~ubuntu22.04.1.
// Without a release, "~ppa1" also got into the archive of Ubuntu itself.
func isPersonal(version string) bool {
	_, rest, found := strings.Cut(version, "ppa")
	return found && strings.HasPrefix(strings.TrimLeft(rest, "0123456789"), "~") && rest[0] != '~'
}
