package db_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/db"
)

func sample(t testing.TB) string {
	r := fixed("openssl", "CVE-2024-9999", "3.0-1")
	r.Description = "A flaw"
	return write(t, []advisory.Record{r, fixed("bash", "CVE-2024-0001", "5")})
}

func TestOpenWithoutADatabase(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		_, err := db.Open(dir)
		require.ErrorIs(t, err, db.ErrNoDatabase)
		require.ErrorIs(t, err, fs.ErrNotExist)
		assert.ErrorContains(t, err, dir)
	}
}

// TestNamedPipes has a pipe in the place of each file. Opening one waits for a
// writer, who never comes.
func TestNamedPipes(t *testing.T) {
	for _, name := range []string{"metadata.json", "debian-12.sst", "details.sst"} {
		dir := sample(t)
		path := filepath.Join(dir, name)
		require.NoError(t, os.Remove(path))
		require.NoError(t, syscall.Mkfifo(path, 0o600))
		database, err := db.Open(dir)
		if err == nil {
			_, err = database.Release("debian", "12")
		}
		if err == nil {
			_, _, err = database.Details("CVE-2024-9999", "debian")
		}
		require.ErrorIs(t, err, db.ErrCorrupt, name)
		assert.ErrorContains(t, err, name+": the advisory database is damaged; build or fetch it again: not a regular file")
		if name != "metadata.json" {
			require.ErrorIs(t, database.Verify(), db.ErrCorrupt, name)
		}
	}
}

func TestOpenRefusesMetadata(t *testing.T) {
	dir := sample(t)
	path := filepath.Join(dir, "metadata.json")
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		change  func(string) string
		want    string
		corrupt bool
	}{
		"another schema": {func(s string) string { return strings.Replace(s, `"schema_version": 2`, `"schema_version": 1`, 1) }, "schema version 1, and this program reads version 2", false},
		"cut off":        {func(s string) string { return s[:len(s)/2] }, "not the metadata of a database", true},
		"empty":          {func(string) string { return "" }, "not the metadata of a database", true},
		"another file":   {func(s string) string { return strings.ReplaceAll(s, "debian-12.sst", "../debian-12.sst") }, "digest", true},
		"another digest": {func(s string) string { return strings.ReplaceAll(s, `"digest": "sha256:`, `"digest": "sha256:0`) }, "digest", true},
		"huge":           {func(s string) string { return s + strings.Repeat(" ", 5<<20) }, "larger than", true},
		"wrong type":     {func(s string) string { return strings.Replace(s, `"rows": 2`, `"rows": "2"`, 1) }, "not the metadata", true},
	} {
		require.NoError(t, os.WriteFile(path, []byte(c.change(string(good))), 0o600))
		_, err := db.Open(dir)
		assert.ErrorContains(t, err, c.want, name)
		if c.corrupt {
			assert.ErrorIs(t, err, db.ErrCorrupt, name)
		}
	}
}

func TestMeta(t *testing.T) {
	b := db.NewBuilder(options())
	require.NoError(t, b.Add(fixed("openssl", "CVE-2024-9999", "3.0-1")))
	for _, name := range []string{"3.10", "edge", "3.9"} {
		require.NoError(t, b.Add(advisory.Record{
			ID: "CVE-2024-0001", Distro: "alpine", Release: name, Package: "p",
			Kind: advisory.Source, Status: advisory.StatusFixed, Fixed: "1-r0",
		}))
	}
	f := db.FeedMeta{Name: "debian", URL: "tracker.json", Fetched: built, ETag: `"x"`, Rows: 1, Digest: "sha256:00"}
	b.AddFeed(f)
	dir := filepath.Join(t.TempDir(), "db")
	written, err := b.Write(context.Background(), dir)
	require.NoError(t, err)
	meta := open(t, dir).Meta()
	assert.Equal(t, written, meta)
	assert.Equal(t, db.SchemaVersion, meta.SchemaVersion)
	assert.Equal(t, built, meta.Built)
	assert.Regexp(t, `^sha256:[0-9a-f]{64}$`, meta.Digest)
	assert.Equal(t, []db.FeedMeta{f}, meta.Feeds)
	var releases []string
	for _, r := range meta.Releases {
		releases = append(releases, r.Distro+" "+r.Release)
		assert.Equal(t, 1, r.Rows)
		info, err := os.Stat(filepath.Join(dir, r.File))
		require.NoError(t, err)
		assert.Equal(t, info.Size(), r.Size)
		assert.Equal(t, built, info.ModTime().UTC())
	}
	assert.Equal(t, []string{"alpine 3.9", "alpine 3.10", "alpine edge", "debian 12"}, releases)
}

// The digest stands for the advisories, not for the time of the build.
func TestDigest(t *testing.T) {
	digest := func(when time.Time, version string) string {
		o := options()
		o.Built = when
		b := db.NewBuilder(o)
		b.AddFeed(db.FeedMeta{Name: "debian", Fetched: when})
		require.NoError(t, b.Add(fixed("openssl", "CVE-2024-9999", version)))
		return open(t, writeBuilder(t, b)).Meta().Digest
	}
	assert.Equal(t, digest(built, "1"), digest(built.Add(time.Hour), "1"))
	assert.NotEqual(t, digest(built, "1"), digest(built, "2"))
}

func TestReleaseThatIsNotThere(t *testing.T) {
	d := open(t, sample(t))
	for _, name := range []string{"11", "", "1", "012"} {
		_, err := d.Release("debian", name)
		assert.ErrorIs(t, err, db.ErrNoRelease, name)
	}
}

// A release of which all is known to be fine is there; it must not be mistaken
// for one of which nothing is known.
func TestReleaseWithoutRows(t *testing.T) {
	dir := write(t, []advisory.Record{fixed("openssl", "CVE-2024-9999", "0")})
	assert.Empty(t, lookup(t, dir, "openssl"))
	assert.Zero(t, open(t, dir).Meta().Releases[0].Rows)
}

// readAll uses everything that a scan uses.
func readAll(dir string) (err error) {
	d, err := db.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	r, err := d.Release("debian", "12")
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	for _, name := range []string{"bash", "openssl"} {
		rows, err := r.Lookup(advisory.Source, name)
		if err != nil {
			return err
		}
		if len(rows) != 1 {
			return fs.ErrInvalid // A miss without an error: what must never be.
		}
	}
	_, found, err := d.Details("CVE-2024-9999", "debian")
	if err == nil && !found {
		return fs.ErrInvalid
	}
	return err
}

func TestDamagedFiles(t *testing.T) {
	dir := sample(t)
	require.NoError(t, readAll(dir))
	for _, name := range []string{"debian-12.sst", "details.sst"} {
		path := filepath.Join(dir, name)
		good, err := os.ReadFile(path)
		require.NoError(t, err)
		for i := range good {
			bad := []byte(string(good))
			bad[i] ^= 0x41
			require.NoError(t, os.WriteFile(path, bad, 0o600))
			assert.ErrorIs(t, readAll(dir), db.ErrCorrupt, "%s: byte %d", name, i)
			require.NoError(t, os.WriteFile(path, good[:i], 0o600))
			assert.ErrorIs(t, readAll(dir), db.ErrCorrupt, "%s: %d bytes", name, i)
		}
		require.NoError(t, os.Remove(path))
		assert.ErrorIs(t, readAll(dir), db.ErrCorrupt, name)
		require.NoError(t, os.Mkdir(path, 0o700))
		assert.ErrorIs(t, readAll(dir), db.ErrCorrupt, name)
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.WriteFile(path, good, 0o600))
	}
	require.NoError(t, readAll(dir))
}

// Files of one database under the names of another's.
func TestExchangedFiles(t *testing.T) {
	dir := sample(t)
	rows, err := os.ReadFile(filepath.Join(dir, "debian-12.sst"))
	require.NoError(t, err)
	details, err := os.ReadFile(filepath.Join(dir, "details.sst"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "debian-12.sst"), details, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "details.sst"), rows, 0o600))
	assert.ErrorIs(t, readAll(dir), db.ErrCorrupt)
}

func TestVerify(t *testing.T) {
	dir := sample(t)
	d := open(t, dir)
	require.NoError(t, d.Verify())
	path := filepath.Join(dir, "details.sst")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	text[len(text)/2] ^= 1
	require.NoError(t, os.WriteFile(path, text, 0o600))
	assert.ErrorIs(t, d.Verify(), db.ErrCorrupt)
	require.NoError(t, os.Remove(path))
	assert.ErrorIs(t, d.Verify(), db.ErrCorrupt)
}

func TestWriteReplacesADatabase(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "deep", "db")
	for _, version := range []string{"1", "2"} {
		b := db.NewBuilder(options())
		require.NoError(t, b.Add(fixed("openssl", "CVE-2024-9999", version)))
		_, err := b.Write(context.Background(), dir)
		require.NoError(t, err)
		assert.Equal(t, version, lookup(t, dir, "openssl")[0].Fixed)
		assert.Equal(t, []string{"db"}, names(t, filepath.Dir(dir)))
	}
	// Through a link, too; the link stays.
	link := filepath.Join(parent, "link")
	require.NoError(t, os.Symlink(dir, link))
	b := db.NewBuilder(options())
	require.NoError(t, b.Add(fixed("openssl", "CVE-2024-9999", "3")))
	_, err := b.Write(context.Background(), link)
	require.NoError(t, err)
	assert.Equal(t, "3", lookup(t, dir, "openssl")[0].Fixed)
	info, err := os.Lstat(link)
	require.NoError(t, err)
	assert.Equal(t, fs.ModeSymlink, info.Mode().Type())
}

func TestWriteKeepsWhatIsNoDatabase(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "thesis.txt"), []byte("x"), 0o600))
	_, err := db.NewBuilder(options()).Write(context.Background(), dir)
	assert.ErrorContains(t, err, "neither empty nor an advisory database")
	assert.Equal(t, []string{"thesis.txt"}, names(t, dir))
	_, err = db.NewBuilder(options()).Write(context.Background(), filepath.Join(dir, "thesis.txt"))
	assert.Error(t, err)
	_, err = db.NewBuilder(options()).Write(context.Background(), filepath.Join(dir, "thesis.txt", "db"))
	assert.Error(t, err)
}

func TestWriteThatIsEndedLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	parent := t.TempDir()
	b := db.NewBuilder(options())
	require.NoError(t, b.Add(fixed("openssl", "CVE-2024-9999", "1")))
	_, err := b.Write(ctx, filepath.Join(parent, "db"))
	assert.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, names(t, parent))
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}
