// Package debian makes base images of real Debian 12, with mmdebstrap and the
// mirrors and keys that this machine's own apt is set up with.
package debian

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	release  = "bookworm"
	security = "bookworm-security"
	keyring  = "/usr/share/keyrings/debian-archive-keyring.gpg"
	// keepFor is how long a root file system of an earlier day stays in the
	// cache.
	keepFor = 48 * time.Hour
)

// Variant is one of the base images. Compare with the three below.
type Variant struct {
	// Name is the image's name in the registry: "debian-clean".
	Name string
	// security says whether the suite of security updates is used.
	security bool
	// include lists the packages besides the essential ones and apt.
	include []string
}

// Vulnerable is a small Debian 12 with curl, from the main archive without its
// security updates.
func Vulnerable() Variant {
	return Variant{Name: "debian-vulnerable", include: []string{"ca-certificates", "curl"}}
}

// Clean is Vulnerable with all security updates.
func Clean() Variant {
	return Variant{Name: "debian-clean", security: true, include: []string{"ca-certificates", "curl"}}
}

// Fat is a Debian 12 with 522 packages and all security updates: what a scan's
// speed is measured on.
func Fat() Variant {
	return Variant{Name: "debian-fat", security: true, include: fatPackages()}
}

// Options says where root file systems are kept.
type Options struct {
	// Cache is the directory of finished root file systems; if empty, a
	// directory of the project's in the user's cache directory.
	Cache string
	// Log gets a line when a root file system is made, which takes from ten
	// seconds to minutes; if nil, nothing is said.
	Log io.Writer
}

// Rootfs returns the path of a tar archive of the variant's root file system.
// It is made once a day, so that it has the day's updates, and kept in the
// cache. Several processes may ask at once. The file must not be changed.
func Rootfs(ctx context.Context, v Variant, opts Options) (string, error) {
	cache, err := cacheDir(opts.Cache)
	if err != nil {
		return "", err
	}
	unlock, err := lock(filepath.Join(cache, v.Name+".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()

	sources, err := aptSources(ctx, v.security)
	if err != nil {
		return "", err
	}
	day := time.Now().UTC().Truncate(24 * time.Hour)
	key := sha256.Sum256([]byte(strings.Join(append(mmdebstrapArgs(v, "OUT", "OPTIONS"), sources...), "\n")))
	tar := filepath.Join(cache, fmt.Sprintf("%s-%s-%x.tar", v.Name, day.Format(time.DateOnly), key[:6]))
	if _, err := os.Stat(tar); err == nil {
		return tar, nil
	}
	if opts.Log != nil {
		fmt.Fprintf(opts.Log, "making %s with mmdebstrap (kept for today)\n", v.Name)
	}
	if err := mmdebstrap(ctx, v, tar, sources, day); err != nil {
		return "", err
	}
	return tar, removeOld(cache, v.Name, tar)
}

// mmdebstrap writes the root file system to tar, all or nothing.
func mmdebstrap(ctx context.Context, v Variant, tar string, sources []string, day time.Time) error {
	tmp, err := os.MkdirTemp(filepath.Dir(tar), "tmp-")
	if err != nil {
		return fmt.Errorf("make %s: %w", v.Name, err)
	}
	defer os.RemoveAll(tmp)
	options := filepath.Join(tmp, "apt.conf")
	if err := writeAptOptions(ctx, options); err != nil {
		return fmt.Errorf("make %s: %w", v.Name, err)
	}
	out := filepath.Join(tmp, "rootfs.tar")
	cmd := exec.CommandContext(ctx, "mmdebstrap", mmdebstrapArgs(v, out, options)...)
	cmd.Stdin = strings.NewReader(strings.Join(sources, "\n") + "\n")
	cmd.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", day.Unix()), "TMPDIR="+tmp)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it unmounts what it mounted
	cmd.WaitDelay = 20 * time.Second
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make %s with mmdebstrap: %w; the end of its output:\n%s", v.Name, err, tail(string(text), 40))
	}
	if err := os.Rename(out, tar); err != nil {
		return fmt.Errorf("make %s: %w", v.Name, err)
	}
	return nil
}

// tail returns the last n lines of text.
func tail(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

// mmdebstrapArgs are the arguments: sources come from standard input. Manual
// pages and such are left out as in the slim images of Docker Hub, and nothing
// of this machine's apt configuration stays in the image.
func mmdebstrapArgs(v Variant, out, options string) []string {
	return []string{
		"--mode=root", "--variant=minbase", "--format=tar",
		"--architectures=" + runtime.GOARCH, // Debian's names for amd64 and arm64 are Go's
		"--aptopt=" + options,
		"--dpkgopt=force-unsafe-io",                 // no sync after each file: this is no system to boot
		"--dpkgopt=path-exclude=/usr/share/man/*/*", // alternatives need the directories
		"--dpkgopt=path-exclude=/usr/share/info/*",
		"--dpkgopt=path-exclude=/usr/share/locale/*",
		"--dpkgopt=path-exclude=/usr/share/doc/*",
		"--dpkgopt=path-include=/usr/share/doc/*/copyright",
		"--customize-hook=rm -f \"$1\"/etc/apt/apt.conf.d/99mmdebstrap \"$1\"/etc/dpkg/dpkg.cfg.d/99mmdebstrap",
		"--include=" + strings.Join(v.include, ","),
		release, out, "-",
	}
}

// removeOld deletes the variant's archives of earlier days.
func removeOld(cache, name, keep string) error {
	old, err := filepath.Glob(filepath.Join(cache, name+"-[0-9]*.tar"))
	if err != nil {
		return fmt.Errorf("clean the cache of base images: %w", err)
	}
	for _, path := range old {
		info, err := os.Stat(path)
		if err != nil || path == keep || time.Since(info.ModTime()) < keepFor {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("clean the cache of base images: %w", err)
		}
	}
	return nil
}

// cacheDir makes the cache directory.
func cacheDir(dir string) (string, error) {
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find a place for base images: %w", err)
		}
		dir = filepath.Join(base, "microscanner-frontend", "base")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the cache of base images: %w", err)
	}
	return dir, nil
}

// lock waits for a file lock, which the kernel frees if this process dies.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the cache of base images: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock the cache of base images: %w", err)
	}
	return func() { _ = f.Close() }, nil
}
