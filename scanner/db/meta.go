package db

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SchemaVersion is the version of the files that this package reads and writes.
const SchemaVersion = 2

// MetadataFile is the name of the file that says what a database was made of.
const MetadataFile = "metadata.json"

const (
	detailsFile      = "details.sst"
	repositoriesFile = "repositories.sst"
	maxFileName      = 128 // bytes
	// maxMetadata is far above what a database of every release there ever was
	// would need.
	maxMetadata = 4 << 20
)

// Meta says what a database was made of.
type Meta struct {
	SchemaVersion int       `json:"schema_version"`
	Built         time.Time `json:"built"`
	// Digest, "sha256:…", stands for the contents. It is computed over the
	// digests of all files but the metadata, so two databases of the same
	// advisories have one digest whenever they were built.
	Digest       string        `json:"digest"`
	Feeds        []FeedMeta    `json:"feeds"`
	Releases     []ReleaseMeta `json:"releases"` // sorted by distribution and release
	Details      FileMeta      `json:"details"`
	Repositories FileMeta      `json:"repositories"`
}

// AsOf is the time from which on the database may know nothing new: when it was
// built, or before that, when the oldest of its feeds was fetched, which feed
// then names.
func (m *Meta) AsOf() (at time.Time, feed string) {
	at = m.Built
	for _, f := range m.Feeds {
		if !f.Fetched.IsZero() && f.Fetched.Before(at) {
			at, feed = f.Fetched, f.Name
		}
	}
	return at, feed
}

// Files lists all files but the metadata, those of the releases first.
func (m *Meta) Files() []FileMeta {
	var files []FileMeta
	for _, r := range m.Releases {
		files = append(files, r.FileMeta)
	}
	return append(files, m.Details, m.Repositories)
}

// FeedMeta is where a part of the data came from.
type FeedMeta struct {
	Name     string    `json:"name"`
	URL      string    `json:"url"`     // without credentials and query; of a file, its base name
	Fetched  time.Time `json:"fetched"` // when it was read
	ETag     string    `json:"etag,omitempty"`
	Modified time.Time `json:"modified,omitzero"` // the date that its server gave
	Rows     int       `json:"rows"`
	// Malformed counts the records that could not be read.
	Malformed int    `json:"malformed,omitempty"`
	Digest    string `json:"digest"` // "sha256:…" of the unpacked documents
}

// ReleaseMeta is one release that the database has advisories for.
type ReleaseMeta struct {
	Distro  string `json:"distro"`
	Release string `json:"release"`
	Rows    int    `json:"rows"`
	FileMeta
}

// FileMeta is what a file must be like.
type FileMeta struct {
	File   string `json:"file"`
	Size   int64  `json:"size"`
	Digest string `json:"digest"` // "sha256:…"
}

// fileName is where the rows of a release are. What it is made of has been
// checked to hold no separator.
func fileName(distro, release string) string {
	if release == "" {
		return distro + ".sst"
	}
	return distro + "-" + release + ".sst"
}

// IsFileName tells whether a file of that name can be a part of a database. What
// is one has no separator and is not hidden.
func IsFileName(name string) bool {
	stem, isTable := strings.CutSuffix(name, ".sst")
	return name == MetadataFile || isTable && len(name) <= maxFileName && stem != "" && stem[0] != '.' &&
		strings.Trim(stem, "abcdefghijklmnopqrstuvwxyz0123456789.-") == ""
}

// contentDigest is Meta.Digest, computed from the other fields.
func (m *Meta) contentDigest() string {
	files := m.Files()
	slices.SortFunc(files, func(a, b FileMeta) int { return strings.Compare(a.File, b.File) })
	h := sha256.New()
	fmt.Fprintf(h, "microscanner advisory database %d\n", m.SchemaVersion)
	for _, f := range files {
		h.Write([]byte(f.Digest + " " + strconv.FormatInt(f.Size, 10) + " " + f.File + "\n"))
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// check tells whether the metadata is whole and speaks only of files that this
// package would have written.
func (m *Meta) check() error {
	if m.Digest != m.contentDigest() {
		return errors.New("the digest does not stand for the files that are listed")
	}
	if m.Details.File != detailsFile {
		return fmt.Errorf("the file of details is %q", m.Details.File)
	}
	if m.Repositories.File != repositoriesFile {
		return fmt.Errorf("the file of repositories is %q", m.Repositories.File)
	}
	for _, r := range m.Releases {
		if r.File != fileName(r.Distro, r.Release) || !filepath.IsLocal(r.File) || filepath.Base(r.File) != r.File {
			return fmt.Errorf("the file of %s %s is %q", r.Distro, r.Release, r.File)
		}
	}
	return nil
}

func readMeta(dir string) (Meta, error) {
	f, err := openRegular(filepath.Join(dir, MetadataFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Meta{}, fmt.Errorf("%s: %w; build one with \"microscanner db build --output %s\"", dir, ErrNoDatabase, dir)
	}
	if err != nil {
		return Meta{}, fmt.Errorf("open the advisory database: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxMetadata+1))
	if err != nil {
		return Meta{}, fmt.Errorf("read the advisory database: %w", err)
	}
	if len(text) > maxMetadata {
		return Meta{}, corrupt(f.Name(), fmt.Errorf("larger than %d bytes", maxMetadata))
	}
	return parseMeta(f.Name(), text)
}

func parseMeta(name string, text []byte) (Meta, error) {
	var m Meta
	err := json.Unmarshal(text, &m)
	if err != nil || m.SchemaVersion != SchemaVersion {
		return Meta{}, otherVersion(name, text)
	}
	if err := m.check(); err != nil {
		return Meta{}, corrupt(name, err)
	}
	return m, nil
}

// otherVersion is the error for metadata that are none of this version: those of
// another may have another form.
func otherVersion(name string, text []byte) error {
	var version struct {
		SchemaVersion int `json:"schema_version"`
	}
	if err := json.Unmarshal(text, &version); err != nil || version.SchemaVersion == SchemaVersion {
		return corrupt(name, errors.New("not the metadata of a database"))
	}
	return fmt.Errorf("%s: the advisory database has schema version %d, and this program reads version %d: build it with this program, or use the program that built it",
		name, version.SchemaVersion, SchemaVersion)
}

// corrupt is the error for a damaged file.
func corrupt(name string, err error) error {
	return fmt.Errorf("%s: %w: %w", name, ErrCorrupt, err)
}
