package centos_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/distro/centos"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
)

// TestTrap22MarkOfCentOS compares builds of CentOS with Red Hat's first fixed
// ones.
func TestTrap22MarkOfCentOS(t *testing.T) {
	for _, tt := range []struct {
		installed, fixed string
		older            bool
		why              string
	}{
		{"2.4.6-31.el7", "2.4.6-31.el7", false, "the same release"},
		{"2.4.6-31.el7", "2.4.6-31.el7_9.1", true, "the order of rpm"},
		{"2.4.6-31.el7_8.2", "2.4.6-31.el7_9.1", true, "the order of rpm"},
		{"2.4.6-31.el7_9.2", "2.4.6-31.el7_9.10", true, "numbers, not strings"},
		{"2.4.6-31.el7.centos", "2.4.6-31.el7", false, "built of the fixed package"},
		{"2.4.6-31.el7.centos", "2.4.6-31.el7_1", false, "built of the fixed package: the minor release is not kept"},
		{"2.4.6-31.el7.centos", "2.4.6-31.el7_9.1", true, "built of the package before its update"},
		{"2.4.6-31.el7.centos.1", "2.4.6-31.el7_9.1", false, "built of the fixed package"},
		{"2.4.6-31.el7.centos.1", "2.4.6-31.el7_9.2", true, "built of the update before"},
		{"2.4.6-31.el7.centos.10", "2.4.6-31.el7_9.9", false, "numbers, not strings"},
		{"2.4.6-31.el7.centos.1.1", "2.4.6-31.el7_3.1.1", false, "two numbers"},
		{"2.4.6-31.el7.centos.1.1", "2.4.6-31.el7_3.1.2", true, "two numbers"},
		{"2.4.6-30.el7.centos.5", "2.4.6-31.el7_9.1", true, "another release of Red Hat's"},
		{"2.4.6-40.el7.centos", "2.4.6-31.el7_9.1", false, "another release of Red Hat's"},
		{"2.4.5-31.el7.centos.1", "2.4.6-31.el7_9.1", true, "another version"},
		{"2.0.9-5.el6.centos.2", "2.0.9-5.el6_8.1", false, "a later update"},
		{"2.0.9-5.el6.centos.2", "2.0.9-5.el6_8.2", false, "the same update"},
		{"2.0.9-5.el6.centos.2", "2.0.9-5.el6_8.3", true, "an earlier update"},
		{"2.2.3-11.el5_1.centos.3", "2.2.3-11.el5_1.3", false, "with mark and minor release"},
		{"2.2.3-11.el5_1.centos.3", "2.2.3-11.el5_1.4", true, "with mark and minor release"},
		{"2.2.3-11.el5_1.centos.3", "2.2.3-11.el5_2.1", true, "with mark and minor release, which count then"},
		{"0.12.1.2-2.355.0.1.el6.centos.5", "0.12.1.2-2.355.el6_4.5", false, "with a number for the change"},
		{"0.12.1.2-2.355.0.1.el6.centos.5", "0.12.1.2-2.355.el6_4.6", true, "with a number for the change"},
		{"3.10.0-1160.el7.centos.plus", "3.10.0-1160.el7", false, "another kernel of the same release"},
		{"3.10.0-1160.el7.centos.plus", "3.10.0-1160.2.1.el7", true, "another kernel of an older release"},
		{"1.0.1e-42.el7.6", "1.0.1e-42.el7_1.6", false, "without a mark"},
		{"1.0.1e-42.el7.6", "1.0.1e-42.el7_1.8", true, "without a mark: rpm's order would say newer"},
		{"1.0.1e-42.el7.1", "1.0.1e-42.el7_1.1", true, "without a mark: may be an older one of Red Hat's"},
		{"3.7-2.2.el5.centos", "3.7-2.2", false, "Red Hat's has no name of the release"},
		{"3.7-2.1.el5.centos", "3.7-2.2", true, "Red Hat's has no name of the release"},
		{"2.4.6-31.el6.centos.1", "2.4.6-31.el7_9.1", true, "of another release of CentOS"},
		{"1:2.4.6-31.el7.centos.1", "2.4.6-31.el7_9.2", false, "a higher epoch"},
		{"2.4.6-31.el7.centos.1", "1:2.4.6-31.el7_9.1", true, "a lower epoch"},
		{"2.4.6-31.el7.centos.1", "0:2.4.6-31.el7_9.1", false, "no epoch is 0"},
		{"1:1.11.6-7.module_el8.2.0+305+5e198a41", "1:1.11.6-7.module+el8.2.0+6060+9dbc027d", false, "numbers of another build system"},
		{"1:1.11.6-7.module_el8.2.0+305+5e198a41", "1:1.11.6-8.module+el8.2.0+6060+9dbc027d", true, "an older release in a module"},
		{"1:1.11.6-9.module_el8.2.0+305+5e198a41", "1:1.11.6-8.module+el8.3.0+6060+9dbc027d", false, "a newer release in a module"},
		{"1:1.11.6-7.module_el8.2.0+305+5e198a41", "2:1.11.6-7.module+el8.2.0+6060+9dbc027d", true, "a lower epoch in a module"},
		{"2.el.1-3", "2.el.1-3", false, "no name of a release at all"},
	} {
		older, err := centos.Distro().Rules.Older(tt.installed, tt.fixed)
		require.NoError(t, err)
		assert.Equal(t, tt.older, older, "%s < %s: %s", tt.installed, tt.fixed, tt.why)
	}
	_, err := centos.Distro().Rules.Older("", "1-1")
	require.Error(t, err, "a version that cannot be read decides nothing")
}

// errata are updates of one release, by id.
func errata(t *testing.T, name string) map[string]map[string][]string {
	t.Helper()
	f, err := os.Open(scantest.Shared(t, name))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	out := map[string]map[string][]string{}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var rec struct {
			ID    string
			Fixed [][2]string
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &rec))
		id := rec.ID[len("CESA"):]
		if out[id] == nil {
			out[id] = map[string][]string{}
		}
		for _, fix := range rec.Fixed {
			name := strings.TrimSuffix(fix[0], path.Ext(fix[0])) // without the architecture
			out[id][name] = append(out[id][name], fix[1])
		}
	}
	require.NoError(t, lines.Err())
	return out
}

// The builds that CentOS published with an advisory have the fix of Red Hat's
// advisory of that number: none may be older. Of those that are, CentOS wrote
// another number without any mark of its own.
func TestOlderOfAllAdvisories(t *testing.T) {
	compared, wrong := 0, map[string]bool{}
	for _, release := range []string{"5", "6", "7"} {
		redHat := errata(t, "redhat/rhsa-"+release+".jsonl.gz")
		for id, packages := range errata(t, "centos/cesa-"+release+".jsonl.gz") {
			for name, builds := range packages {
				fixes := redHat[id][name]
				for _, build := range builds {
					// Of the streams in one advisory, CentOS has one.
					if len(fixes) != 1 {
						continue
					}
					compared++
					older, err := centos.Distro().Rules.Older(build, fixes[0])
					require.NoError(t, err)
					if older {
						wrong[build+" < "+fixes[0]] = true
					}
				}
			}
		}
	}
	assert.Equal(t, 4401, compared)
	assert.Equal(t, map[string]bool{
		"1.9.0.12-1.el5 < 1.9.0.12-1.el5_3":         true,
		"1.9.0.5-1.el5 < 1.9.0.5-1.el5_2":           true,
		"9.3.4-10.P1.el5_3.2 < 9.3.4-10.P1.el5_3.3": true,
		"1.0.1e-30.el6_5.2 < 1.0.1e-30.el6_6.2":     true,
	}, wrong)
}
