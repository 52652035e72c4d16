package deb_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/distro/internal/deb"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/pkgdb/dpkg"
)

// TestTrap38KernelHeaders: packages of the kernel's sources that hold no kernel.
func TestTrap38KernelHeaders(t *testing.T) {
	for name, want := range map[[2]string]bool{
		{"linux-libc-dev", "linux"}:                   true,
		{"linux-headers-6.1.0-13-amd64", "linux"}:     true,
		{"linux-headers-amd64", "linux-signed-amd64"}: true,
		{"linux-headers-5.15.0-91-generic", "linux"}:  true,
		{"linux-headers-generic", "linux-meta"}:       true,
		{"linux-kbuild-6.1", "linux"}:                 true,
		{"linux-compiler-gcc-12-x86", "linux"}:        true,
		{"linux-libc-dev", "linux-2.6"}:               true,
		{"linux-image-6.1.0-13-amd64", "linux"}:       false,
		{"linux-modules-5.15.0-91-generic", "linux"}:  false,
		{"linux-headers-of-somebody", "openssl"}:      false,
		{"linux-base", "linux-base"}:                  false,
		{"libc6-dev", "glibc"}:                        false,
	} {
		assert.Equal(t, want, deb.KernelHeaders(&inventory.Package{Name: name[0], SourceName: name[1]}), name)
	}
}

// TestTrap42ForeignPackages: packages of others with the names of the
// distribution's.
func TestTrap42ForeignPackages(t *testing.T) {
	foreign := deb.Foreign()
	for _, tc := range []struct{ vendor, version, want string }{
		{"NGINX Packaging <nginx-packaging@f5.com>", "1.27.4-1~bookworm", "nginx.org"},
		{"Konstantin Pavlov <thresh@nginx.com>", "1.18.0-1~buster", "nginx.org"},
		{"Docker <support@docker.com>", "5:28.0.1-1~debian.12~bookworm", "Docker"},
		{"Containerd team <help@containerd.io>", "1.7.25-1", "Docker"},
		{"Ivan Iguaran <ivan@nodesource.com>", "20.18.1-1", "NodeSource"},
		{"", "20.18.1-1nodesource1", "NodeSource"},
		{"Debian PostgreSQL Maintainers <team+postgresql@tracker.debian.org>", "15.10-1.pgdg120+1", "PostgreSQL"},
		{"Debian PHP Maintainers <team+pkg-php@tracker.debian.org>", "8.1.2-1+ubuntu22.04.1+deb.sury.org+1", "sury.org"},
		{"MariaDB Developers <developers@lists.mariadb.org>", "1:11.4.4+maria~deb12", "MariaDB"},
		{"MySQL Release Engineering <mysql-build@oss.oracle.com>", "8.0.40-1debian12", "Oracle MySQL"},
		{"  HASHICORP <support@HashiCorp.com>  ", "1.10.3-1", "HashiCorp"},
		{"info@elastic.co", "8.17.0", "Elastic"},
		{"Jonathan Nieder <jrnieder@gmail.com>", "1:2.43.0-0ppa1~ubuntu22.04.1", "a personal package archive"},
		{"Somebody <x@y.example>", "1.0-1ppa12~jammy", "a personal package archive"},

		{"Debian Nginx Maintainers <pkg-nginx-maintainers@alioth-lists.debian.net>", "1.22.1-9", ""},
		{"Brandon Weeks <bweeks@google.com>", "1.0-1", ""},
		{"Docker Compose Team <team+docker-compose@tracker.debian.org>", "1.29.2-3", ""},
		{"Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>", "1.7.7-0ubuntu0.15.04.1~ppa1", ""},
		{"Somebody <support@docker.com.example>", "1.0-1", ""},
		{"Somebody <nobody@nothashicorp.com>", "1.0-1", ""},
		{"", "1.0~ppa~1", ""},
		{"", "1.0-1ppa", ""},
		{"<", "1.0-1", ""},
		{"", "", ""},
	} {
		vendor, found := foreign(nil, &inventory.Package{Vendor: tc.vendor, Version: tc.version})
		assert.Equal(t, tc.want, vendor, tc)
		assert.Equal(t, tc.want != "", found, tc)
	}
}

// TestNoOfficialPackageIsForeign: no package of the real images is another's.
// All of those that were made from the archives alone are among them.
func TestNoOfficialPackageIsForeign(t *testing.T) {
	foreign := deb.Foreign()
	packages := 0
	for _, pattern := range []string{"debian-*", "ubuntu-*", "raspbian-*"} {
		folders, err := filepath.Glob(filepath.Join(scantest.Shared(t, "rootfs"), pattern))
		require.NoError(t, err)
		require.NotEmpty(t, folders)
		for _, folder := range folders {
			c := pkgdb.NewCollector()
			_, err := dpkg.Read(os.DirFS(folder), c)
			require.NoError(t, err)
			for _, p := range c.Packages() {
				packages++
				vendor, found := foreign(nil, &p)
				assert.False(t, found, "%s: %s %s of %s is said to be from %s", folder, p.Name, p.Version, p.Vendor, vendor)
			}
		}
	}
	assert.Greater(t, packages, 3000)
}
