package db

import (
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// pool gives each distinct string a number. Millions of records hold few
// different ones.
type pool struct {
	numbers map[string]uint32
	strings []string
}

func newPool() *pool { return &pool{numbers: map[string]uint32{"": 0}, strings: []string{""}} }

// number gives the number of a string; 0 is the empty one's.
func (p *pool) number(s string) uint32 {
	n, ok := p.numbers[s]
	if !ok {
		n = uint32(len(p.strings)) //nolint:gosec // G115: more do not fit into memory.
		s = strings.Clone(s)       // It may be a part of a whole document.
		p.numbers[s] = n
		p.strings = append(p.strings, s)
	}
	return n
}

// string gives the one copy of a string that is kept.
func (p *pool) string(s string) string { return p.strings[p.number(s)] }

// listPool is a pool of sorted lists of strings.
type listPool struct {
	keys  *pool
	lists [][]string // by the number of the key
}

func newListPool() *listPool { return &listPool{newPool(), [][]string{nil}} }

// number gives the number of the list with these words, in whatever order; 0 is
// the empty one's.
func (p *listPool) number(list []string, words *pool) uint32 {
	list = sorted(list)
	// The validation of a record has seen that no word has a NUL.
	n := p.keys.number(strings.Join(list, "\x00"))
	if int(n) == len(p.lists) {
		for i := range list {
			list[i] = words.string(list[i])
		}
		p.lists = append(p.lists, slices.Clip(list))
	}
	return n
}

// sorted gives a list of its own with the distinct strings.
func sorted(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

// packed is a record while a database is built: numbers of pools.
type packed struct {
	name, id, fixed, module uint32 // words; name is the package's lookupKey
	arches, cpes, aliases   uint32 // lists
	source                  uint32 // word
	status                  uint8  // index of advisory.Statuses
	severity                severity.Severity
	readable, vendor        bool // as those of entry
}

// pack packs a record.
func (b *Builder) pack(name string, rec *advisory.Record) packed {
	level, source := rateRecord(rec)
	return packed{
		name: b.words.number(name), id: b.words.number(rec.ID),
		fixed: b.words.number(rec.Fixed), module: b.words.number(rec.Module),
		arches: b.lists.number(rec.Arches, b.words), cpes: b.lists.number(rec.CPEs, b.words), aliases: b.lists.number(rec.Aliases, b.words),
		source: b.words.number(source), severity: level,
		status:   uint8(slices.Index(b.statuses, rec.Status)), //nolint:gosec // G115: Validate knows the status.
		readable: true, vendor: rec.Severity != severity.Unknown,
	}
}

// unpack gives the entry that was packed.
func (b *Builder) unpack(p *packed) entry {
	e := entry{
		row: row{
			id: b.words.strings[p.id], status: b.statuses[p.status],
			fixed: b.words.strings[p.fixed], module: b.words.strings[p.module],
			arches: b.lists.lists[p.arches], cpes: b.lists.lists[p.cpes], aliases: b.lists.lists[p.aliases],
			severity: p.severity, source: b.words.strings[p.source],
		},
		readable: p.readable, vendor: p.vendor,
	}
	e.year, e.number, _ = advisory.SplitCVE(e.id)
	return e
}
