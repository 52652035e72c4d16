package oci

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/example/microscanner-frontend/scanner/db"
)

func metaOf(releases map[string]int) db.Meta {
	meta := db.Meta{Details: db.FileMeta{File: "details.sst"}, Repositories: db.FileMeta{File: "repositories.sst"}}
	for _, distro := range []string{"alpine", "debian", "suse"} {
		for i := range releases[distro] {
			meta.Releases = append(meta.Releases, db.ReleaseMeta{
				Distro: distro, FileMeta: db.FileMeta{File: fmt.Sprintf("%s-%d.sst", distro, i), Size: int64(1000 - i)},
			})
		}
	}
	return meta
}

func TestPlan(t *testing.T) {
	assert.Equal(t, [][]string{
		{"alpine-0.sst"}, {"alpine-1.sst"}, {"debian-0.sst"}, {"details.sst"}, {"repositories.sst"}, {"metadata.json"},
	}, plan(metaOf(map[string]int{"alpine": 2, "debian": 1})))

	meta := metaOf(map[string]int{"alpine": 100, "debian": 22, "suse": 60})
	layers := plan(meta)
	assert.Len(t, layers, 64+3+3, "the largest, what remains of three distributions, and three more")
	assert.Less(t, len(layers), 125)
	assert.Contains(t, layers, []string{"debian-21.sst"}, "all that remains of Debian")
	var got, want []string
	for _, f := range meta.Files() {
		want = append(want, f.File)
	}
	for _, l := range layers {
		got = append(got, l...)
	}
	assert.ElementsMatch(t, append(want, db.MetadataFile), got)
	assert.Equal(t, layers, plan(meta))
	i := slices.IndexFunc(layers, func(l []string) bool { return len(l) > 1 })
	assert.Equal(t, "alpine-22.sst", layers[i][0])
}
