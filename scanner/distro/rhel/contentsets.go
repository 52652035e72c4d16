package rhel

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/pkgdb/rpm"
	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// manifestFolders are where the builds of Red Hat's images leave a content
// manifest for each layer
// (https://github.com/containerbuildsystem/atomic-reactor/blob/master/atomic_reactor/schemas/content_manifest.json),
// with a slash behind.
func manifestFolders() []string {
	return []string{"root/buildinfo/content_manifests/", "usr/share/buildinfo/"}
}

// Limits of what is read of an image.
const (
	maxManifests   = 1000
	maxManifest    = 4 << 20 // bytes
	maxContentSets = 10_000
)

// inspect takes the repositories that an image's packages come from out of its
// content manifests: of all layers, as it cannot be told which is whose. If one
// says that its builder knew them from dnf, dnf's history knows those of what was
// installed since as well.
func inspect(fsys fs.FS, os *inventory.OS, packages []inventory.Package) error {
	fromDNF := false
	for _, folder := range manifestFolders() {
		entries, err := fs.ReadDir(fsys, path.Clean(folder))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read the image's content manifests: %w", err)
		}
		for i, e := range entries {
			if i == maxManifests {
				return fmt.Errorf("the image has more than %d content manifests in %s", maxManifests, folder)
			}
			if !isManifest(e.Name()) {
				continue
			}
			m, err := readManifest(fsys, path.Join(folder, e.Name()))
			if err != nil {
				return err
			}
			os.ContentSets = append(os.ContentSets, m.ContentSets...)
			fromDNF = fromDNF || m.FromDNF
		}
	}
	if fromDNF {
		repositories, err := rpm.Repositories(fsys, packages)
		if err != nil {
			return err
		}
		os.ContentSets = append(os.ContentSets, repositories...)
	}
	withoutRelease(os.ContentSets)
	slices.Sort(os.ContentSets)
	os.ContentSets = slices.Compact(os.ContentSets)
	if len(os.ContentSets) > maxContentSets {
		return fmt.Errorf("the image's content manifests and dnf's history name more than %d content sets", maxContentSets)
	}
	return nil
}

// isManifest tells manifests from the lists of components that builds leave in
// the same folder ("sbom-cyclonedx.json"), which may be of any size.
func isManifest(name string) bool {
	return path.Ext(name) == ".json" && !strings.HasPrefix(name, "sbom-")
}

// manifest is what matters of a content manifest. Other files of the folder,
// labels.json say, have nothing of it.
type manifest struct {
	ContentSets []string `json:"content_sets"`
	FromDNF     bool     `json:"from_dnf_hint"`
}

func readManifest(fsys fs.FS, name string) (m manifest, err error) {
	text, err := rootfs.ReadFile(fsys, name, maxManifest)
	if err != nil {
		return m, fmt.Errorf("the image's content manifest %w", err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("the image's content manifest %s is not what Red Hat's builds write: %w", name, err)
	}
	return m, nil
}

// withoutRelease takes the release off the names of content sets ("…-rpms__8"):
// it is not in the table of repositories. One with a minor number
// ("…-eus-rpms__9_DOT_2") is.
func withoutRelease(sets []string) {
	release := regexp.MustCompile(`__[0-9]+$`)
	for i, set := range sets {
		sets[i] = release.ReplaceAllString(set, "")
	}
}
