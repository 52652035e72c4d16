package api

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"
)

// clientName is what the client's program is called.
const clientName = "microscanner"

// downloadTime is how long a slow client may take to get the program.
const downloadTime = 10 * time.Minute

// clients finds the client's programs, and remembers their digests.
type clients struct {
	files fs.FS
	own   string // path of this program

	lock    sync.Mutex
	digests map[string]digest // by name
}

// digest is that of a file of one size and time.
type digest struct {
	size     int64
	modified time.Time
	sha256   string
}

func newClients(files fs.FS, own string) *clients {
	return &clients{files: files, own: own, digests: map[string]digest{}}
}

// platformWord is a name of an operating system or architecture.
var platformWord = regexp.MustCompile(`^[a-z0-9]{1,16}$`)

// downloadClient answers GET {os}/{arch} and {os}/{arch}.sha256.
func (a *API) downloadClient(w http.ResponseWriter, r *http.Request) error {
	arch, wantsDigest := strings.CutSuffix(r.PathValue("arch"), ".sha256")
	platform := [2]string{r.PathValue("os"), arch}
	f, err := a.client.open(platform)
	if errors.Is(err, fs.ErrNotExist) {
		return notFound("there is no client for that platform here")
	}
	if err != nil {
		return err
	}
	defer f.Close()
	sum, info, err := a.client.digest(platform, f)
	if err != nil {
		return err
	}
	if wantsDigest {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = fmt.Fprintf(w, "%s  %s\n", sum, clientName)
		return nil
	}
	content, ok := f.(io.ReadSeeker)
	if !ok {
		return fmt.Errorf("the file of the client for %s/%s cannot seek", platform[0], platform[1])
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(downloadTime))
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="`+clientName+`"`)
	h.Set("ETag", `"`+sum+`"`)
	h.Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", info.ModTime(), content)
	return nil
}

// open opens the program for a platform: that of the folder, or this one.
func (c *clients) open(platform [2]string) (fs.File, error) {
	if !platformWord.MatchString(platform[0]) || !platformWord.MatchString(platform[1]) {
		return nil, fs.ErrNotExist
	}
	if c.files != nil {
		f, err := c.files.Open(clientName + "-" + platform[0] + "-" + platform[1])
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	if c.own == "" || platform != [2]string{runtime.GOOS, runtime.GOARCH} {
		return nil, fs.ErrNotExist
	}
	return os.Open(filepath.Clean(c.own))
}

// digest is the SHA-256 of an open file, in hex. The file is read once, unless
// it changed.
func (c *clients) digest(platform [2]string, f fs.File) (string, fs.FileInfo, error) {
	info, err := f.Stat()
	if err != nil {
		return "", nil, err
	}
	if !info.Mode().IsRegular() {
		return "", nil, fmt.Errorf("the client for %s/%s is not a regular file", platform[0], platform[1])
	}
	key := platform[0] + "/" + platform[1]
	c.lock.Lock()
	defer c.lock.Unlock()
	known := c.digests[key]
	if known.size == info.Size() && known.modified.Equal(info.ModTime()) {
		return known.sha256, info, nil
	}
	content, ok := f.(io.ReadSeeker)
	if !ok {
		return "", nil, fmt.Errorf("the client for %s cannot seek", key)
	}
	h := sha256.New()
	if _, err := io.Copy(h, content); err != nil {
		return "", nil, err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return "", nil, err
	}
	known = digest{info.Size(), info.ModTime(), hex.EncodeToString(h.Sum(nil))}
	c.digests[key] = known
	return known.sha256, info, nil
}
