package rhel

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// manifestFolders are where the builds of Red Hat's images leave a content
// manifest for each layer
// (https://github.com/containerbuildsystem/atomic-reactor/blob/master/atomic_reactor/schemas/content_manifest.json).
func manifestFolders() []string {
	return []string{"root/buildinfo/content_manifests", "usr/share/buildinfo"}
}

// Limits of what is read of an image.
const (
	maxManifests   = 1000
	maxManifest    = 4 << 20 // bytes
	maxContentSets = 10_000
)

// inspect takes the repositories that an image's packages come from out of its
// content manifests: of all layers, as it cannot be told which is whose.
func inspect(fsys fs.FS, os *inventory.OS, _ []inventory.Package) error {
	for _, folder := range manifestFolders() {
		entries, err := fs.ReadDir(fsys, folder)
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
			if path.Ext(e.Name()) != ".json" {
				continue
			}
			sets, err := readManifest(fsys, path.Join(folder, e.Name()))
			if err != nil {
				return err
			}
			os.ContentSets = append(os.ContentSets, sets...)
		}
	}
	slices.Sort(os.ContentSets)
	os.ContentSets = slices.Compact(os.ContentSets)
	if len(os.ContentSets) > maxContentSets {
		return fmt.Errorf("the image's content manifests name more than %d content sets", maxContentSets)
	}
	return nil
}

// readManifest reads the content sets of a manifest. Other files of the folder,
// labels.json say, have none.
func readManifest(fsys fs.FS, name string) ([]string, error) {
	text, err := rootfs.ReadFile(fsys, name, maxManifest)
	if err != nil {
		return nil, fmt.Errorf("the image's content manifest %w", err)
	}
	var manifest struct {
		ContentSets []string `json:"content_sets"`
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return nil, fmt.Errorf("the image's content manifest %s is not what Red Hat's builds write: %w", name, err)
	}
	version := regexp.MustCompile(`__[0-9]+$`)
	for i, set := range manifest.ContentSets {
		// The release in the name of a set ("…-rpms__8") is not in the table of
		// repositories; one with a minor number ("…-eus-rpms__9_DOT_2") is.
		manifest.ContentSets[i] = version.ReplaceAllString(set, "")
	}
	return manifest.ContentSets, nil
}
