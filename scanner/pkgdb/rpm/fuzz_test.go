package rpm_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/pkgdb/rpm"
)

// check reads a root file system in which nothing can be trusted.
func check(t *testing.T, list map[string][]byte) {
	c := pkgdb.NewCollector()
	found, err := rpm.Read(files(list), c)
	require.NoError(t, err)
	require.True(t, found)
	for _, p := range c.Packages() {
		require.NotEmpty(t, p.Name)
		require.NotEmpty(t, p.Version)
		require.NotEmpty(t, p.SourceName)
		require.NotEmpty(t, p.SourceVersion)
		require.Less(t, len(p.License), pkgdb.MaxValue+1)
	}
}

func FuzzBDB(f *testing.F) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		f.Add(bdb(order, threeBlobs()))
		f.Add(bdb(order, nil))
	}
	f.Fuzz(func(t *testing.T, dt []byte) {
		if len(dt) >= 16 { // the right format, or the fuzzer finds nothing
			dt = bytes.Clone(dt)
			binary.LittleEndian.PutUint32(dt[12:], 0x00061561)
		}
		check(t, map[string][]byte{pathBDB: dt})
	})
}

func FuzzNDB(f *testing.F) {
	f.Add(ndb(threeBlobs()))
	f.Add(ndb(nil))
	f.Fuzz(func(t *testing.T, dt []byte) {
		check(t, map[string][]byte{pathNDB: append([]byte("RpmP"), dt[min(4, len(dt)):]...)})
	})
}

func FuzzSQLite(f *testing.F) {
	s := newSQLite(f, "PRAGMA page_size=512", "PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0").insert(threeBlobs()...)
	log := s.file("-wal")
	s.exec("PRAGMA wal_checkpoint")
	f.Add(s.file(""), log)
	f.Add(s.file(""), []byte{})
	f.Fuzz(func(t *testing.T, dt, log []byte) {
		if len(dt) >= 16 {
			dt = bytes.Clone(dt)
			copy(dt, "SQLite format 3\x00")
		}
		check(t, map[string][]byte{pathSQLite: dt, pathSQLite + "-wal": log})
	})
}

// FuzzHeader has one package in a sound database.
func FuzzHeader(f *testing.F) {
	for _, b := range threeBlobs() {
		f.Add(b)
	}
	f.Add(blob(tags{name: "gpg-pubkey", version: "1", release: "2", sourceRPM: "(none)", epoch: uint32(1), module: "a:b:c:d"}))
	f.Fuzz(func(t *testing.T, dt []byte) {
		check(t, map[string][]byte{pathNDB: ndb([][]byte{dt})})
	})
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte("bash\t1.0-1\t1\t1\tv\t(none)\t1\tx86_64\t0\tbash-1.0-1.src.rpm\n\nx\ty\n"))
	f.Fuzz(func(t *testing.T, dt []byte) {
		check(t, map[string][]byte{pathManifest: dt})
	})
}
