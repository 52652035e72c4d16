package osrelease_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/osrelease"
)

func files(texts map[string]string) fs.FS {
	out := fstest.MapFS{}
	for name, text := range texts {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func TestParse(t *testing.T) {
	got := osrelease.Parse(`# ID=comment
ID=debian
NAME="Debian GNU/Linux"
VERSION='12 (bookworm)'
VERSION_ID="11"
VERSION_ID="12"
  INDENTED = spaced  
ESCAPED="a \"quoted\" \$word \\ end"
SINGLE='a \ stays'
EMPTY=
UNCLOSED="open
no assignment
`)
	assert.Equal(t, map[string]string{
		"ID":         "debian",
		"NAME":       "Debian GNU/Linux",
		"VERSION":    "12 (bookworm)",
		"VERSION_ID": "12",
		"INDENTED":   "spaced",
		"ESCAPED":    `a "quoted" $word \ end`,
		"SINGLE":     `a \ stays`,
		"EMPTY":      "",
		"UNCLOSED":   `"open`,
	}, got)
}

func TestRead(t *testing.T) {
	const ubuntuLSB = "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=12.04\nDISTRIB_DESCRIPTION=\"Ubuntu 12.04.5 LTS\"\n"
	for name, tc := range map[string]struct {
		files map[string]string
		want  osrelease.Release
	}{
		"nothing": {nil, osrelease.Release{}},
		"etc before usr": {map[string]string{
			"etc/os-release":     "ID=Debian\nVERSION_ID=12\n",
			"usr/lib/os-release": "ID=alpine\n",
			"etc/debian_version": "12.9\n",
		}, osrelease.Release{ID: "debian", VersionID: "12", DebianVersion: "12.9", Path: "etc/os-release"}},
		"usr when etc has no id": {map[string]string{
			"etc/os-release":     "NAME=nobody\n",
			"usr/lib/os-release": "ID=alpine\nPRETTY_NAME=\"Alpine Linux\"\nID_LIKE=\"Debian rhel\"\n",
		}, osrelease.Release{ID: "alpine", PrettyName: "Alpine Linux", IDLike: "debian rhel", Path: "usr/lib/os-release"}},
		"lsb-release of Ubuntu before os-release": {map[string]string{
			"etc/lsb-release": ubuntuLSB, "etc/debian_version": "wheezy/sid\n",
		}, osrelease.Release{
			ID: "ubuntu", VersionID: "12.04", Name: "Ubuntu", PrettyName: "Ubuntu 12.04.5 LTS",
			DebianVersion: "wheezy/sid", Path: "etc/lsb-release",
		}},
		"lsb-release of Red Hat names nobody": {map[string]string{
			"etc/lsb-release": "LSB_VERSION=base-4.0\n",
		}, osrelease.Release{}},
		"alpine-release": {map[string]string{
			"etc/alpine-release": "3.20.3\n",
		}, osrelease.Release{AlpineRelease: "3.20.3"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := osrelease.Read(files(tc.files))
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
		})
	}
}

func TestReadRefusesWhatItCannotRead(t *testing.T) {
	_, err := osrelease.Read(files(map[string]string{"etc/os-release": strings.Repeat("#", 65<<10), "usr/lib/os-release": "ID=debian"}))
	require.EqualError(t, err, "the image's release file etc/os-release is larger than the limit of 64 KiB")

	_, err = osrelease.Read(fstest.MapFS{"etc/os-release": &fstest.MapFile{Mode: fs.ModeDir}})
	require.EqualError(t, err, "the image's release file etc/os-release is a directory, not a regular file")
}

func TestPretty(t *testing.T) {
	assert.Equal(t, "Debian GNU/Linux 12", osrelease.Release{PrettyName: "Debian GNU/Linux 12", ID: "debian"}.Pretty())
	assert.Equal(t, "Alpine 3", osrelease.Release{Name: "Alpine", VersionID: "3", ID: "alpine"}.Pretty())
	assert.Equal(t, "alpine", osrelease.Release{ID: "alpine"}.Pretty())
	assert.Equal(t, "an unknown operating system", osrelease.Release{}.Pretty())
}

func FuzzParse(f *testing.F) {
	f.Add("ID=debian\nVERSION_ID=\"12\"\n")
	f.Add("A='\\'\n=\n\"=\"\\\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		for key, value := range osrelease.Parse(text) {
			assert.LessOrEqual(t, len(key)+len(value), len(text))
			assert.NotContains(t, value, "\n")
		}
	})
}
