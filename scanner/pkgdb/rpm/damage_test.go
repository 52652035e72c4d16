package rpm_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/pkgdb/rpm"
)

// threeBlobs are headers of about 1, 2 and 3 kB.
func threeBlobs() [][]byte {
	out := [][]byte{}
	for i, n := range []string{"one", "two", "three"} {
		out = append(out, blob(packageTags(n, tags{license: strings.Repeat("x", 1000*(i+1))})))
	}
	return out
}

func TestNoDatabase(t *testing.T) {
	for _, text := range []string{"x", "<html>404</html>", strings.Repeat("\x00", 5000)} {
		c := read(t, files(map[string][]byte{pathBDB: []byte(text)}))
		assert.Empty(t, c.Packages())
		assert.Equal(t, []string{pathBDB + ":0: this is not a package database of rpm: its first bytes are those of no known format"}, reasons(c.Problems()))
	}
}

// TestTruncated cuts databases at every length: a package may be missing only
// beside a problem.
func TestTruncated(t *testing.T) {
	for format, dt := range formats(t, threeBlobs()) {
		t.Run(format, func(t *testing.T) {
			for n := 1; n < len(dt); n += 37 {
				c := read(t, files(map[string][]byte{pathBDB: dt[:n]}))
				if len(c.Packages()) < 3 {
					require.NotEmpty(t, c.Problems(), n)
				}
			}
		})
	}
}

// TestFlippedBits: no panic, no endless loop, and no package that is made up of
// bytes that are none of a name.
func TestFlippedBits(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for format, dt := range formats(t, threeBlobs()) {
		t.Run(format, func(t *testing.T) {
			for range 1500 {
				damaged := slices.Clone(dt)
				for range 1 + random.IntN(4) {
					damaged[random.IntN(len(damaged))] ^= 1 << random.IntN(8)
				}
				c := pkgdb.NewCollector()
				found, err := rpm.Read(files(map[string][]byte{pathBDB: damaged}), c)
				require.NoError(t, err)
				require.True(t, found)
				for _, p := range c.Packages() {
					require.NotEmpty(t, p.Name)
					require.NotContains(t, p.Name+p.Version, " ")
				}
			}
		})
	}
}

// TestLoop: a chain of pages that leads back to itself.
func TestLoop(t *testing.T) {
	dt := bdb(binary.LittleEndian, threeBlobs())
	loops := 0
	for page := dt[bdbPage:]; len(page) > 0; page = page[bdbPage:] {
		if next := binary.LittleEndian.Uint32(page[16:]); page[25] == 7 && next != 0 {
			binary.LittleEndian.PutUint32(page[16:], next-1) // to the page itself
			loops++
			break
		}
	}
	require.Equal(t, 1, loops)
	c := read(t, files(map[string][]byte{pathBDB: dt}))
	assert.Equal(t, []string{"three", "two"}, names(c.Packages()))
	require.Len(t, c.Problems(), 1)
	assert.Contains(t, c.Problems()[0].Reason, "is used twice")
}

// TestTreeLoop: a page of a table's tree that is its own child.
func TestTreeLoop(t *testing.T) {
	blobs := [][]byte{}
	for i := range 300 {
		blobs = append(blobs, blob(packageTags(fmt.Sprint("p", i), nil)))
	}
	dt := sqlite(t, blobs)
	size := int(binary.BigEndian.Uint16(dt[16:]))
	loops := 0
	for n := 1; n < len(dt)/size; n++ {
		if page := dt[n*size:]; page[0] == 5 {
			binary.BigEndian.PutUint32(page[binary.BigEndian.Uint16(page[12:]):], uint32(n+1))
			loops++
		}
	}
	require.Positive(t, loops)
	c := read(t, files(map[string][]byte{pathSQLite: dt}))
	assert.NotEmpty(t, c.Problems())
}

// TestDamagedPackage: one header is bad, the others are read.
func TestDamagedPackage(t *testing.T) {
	large := blob(tags{name: "large"})
	binary.BigEndian.PutUint32(large, 1<<31-1) // entries of the index
	outside := blob(packageTags("outside", nil))
	binary.BigEndian.PutUint32(outside[8+8:], 1<<31-1) // where the first value is
	kind := blob(packageTags("kind", nil))
	binary.BigEndian.PutUint32(kind[8+4:], 4)
	for want, bad := range map[string][]byte{
		"its header is cut off":                                  []byte("abcdefg"),
		"its header is not as long as it states":                 large,
		"tag 1000 is not inside the header":                      outside,
		"the value of tag 1000 is not of its type":               kind,
		"it has no name":                                         blob(packageTags("x", tags{name: nil})),
		"self has no version or no release":                      blob(packageTags("self", tags{version: nil})),
		`"a b" for "x86_64" is not a name`:                       blob(packageTags("a b", tags{sourceRPM: nil})),
		`"1\n2" is not a version of self`:                        blob(packageTags("self", tags{version: "1\n2"})),
		"the value of tag 1011 is not of its type, or longer":    blob(packageTags("self", tags{vendor: strings.Repeat("v", 5000)})),
		"the value of tag 1003 is not of its type, or longer th": blob(packageTags("self", tags{epoch: "1"})),
	} {
		for format, dt := range formats(t, slices.Concat(packages("first"), [][]byte{bad}, packages("last"))) {
			c := read(t, files(map[string][]byte{pathBDB: dt}))
			assert.Equal(t, []string{"first", "last"}, names(c.Packages()), format)
			require.Len(t, c.Problems(), 1, format+": "+want)
			assert.Contains(t, c.Problems()[0].Reason, want, format)
		}
	}
}

// TestLimits: a database is not read beyond the limit for an image, and one of
// nothing but damage is given up.
func TestLimits(t *testing.T) {
	_, err := rpm.Read(fstest.MapFS{pathBDB: &fstest.MapFile{Data: make([]byte, pkgdb.MaxSize+1)}}, pkgdb.NewCollector())
	assert.EqualError(t, err, "the package database var/lib/rpm/Packages is larger than the limit of 131072 KiB")

	bad := make([][]byte, 5000)
	for i := range bad {
		bad[i] = []byte("bad")
	}
	c := read(t, files(map[string][]byte{pathBDB: ndb(bad)}))
	assert.Empty(t, c.Packages())
	assert.Len(t, c.Problems(), 101)

	var many strings.Builder
	for i := range 100_001 {
		fmt.Fprintf(&many, "p%d\t1-1\t1\t1\tv\t(none)\t1\tx86_64\t0\tp-1-1.src.rpm\n", i)
	}
	_, err = rpm.Read(files(map[string][]byte{pathManifest: []byte(many.String())}), pkgdb.NewCollector())
	assert.ErrorContains(t, err, "lists more packages than a scan takes")
}
