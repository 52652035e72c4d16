package db

import (
	"math"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// verdict is what rows share: all but the id and its severity.
type verdict struct {
	Advisory      // without ID, Severity and Aliases
	keep     bool // whether the rows with it are wanted
}

// decoder reads the rows of packages, one after the other.
type decoder struct {
	sources []string
	want    func(fixed string) (bool, error)
	scratch []verdict // used again for every package
}

// decode gives the rows that are wanted. An error is either one of want or says
// how the data are damaged.
func (d *decoder) decode(value []byte) ([]Advisory, error) {
	c := &cursor{b: value}
	rows := c.count(3)
	verdicts, err := d.verdicts(c)
	if err != nil {
		return nil, err
	}
	if noneKept(verdicts) {
		return nil, nil // The usual case: what follows could only name these.
	}
	verdictLen, severityLen := c.count(1), c.count(1)
	verdictColumn := cursor{b: c.bytes(verdictLen)}
	severityColumn := cursor{b: c.bytes(severityLen)}
	if c.err != nil {
		return nil, c.err
	}
	kept, err := countKept(verdictColumn, rows, verdicts)
	if err != nil {
		return nil, err
	}
	w := &rowWriter{
		verdicts: verdicts, sources: d.sources, rows: rows,
		verdictColumn: verdictColumn, severityColumn: severityColumn,
		aliases: readAliases(c, rows),
		out:     make([]Advisory, 0, kept), ends: make([]int, 0, kept),
	}
	w.text.Grow(kept * len("CVE-2000-100000"))
	w.ids(c)
	if c.err == nil && w.row != rows {
		c.fail(errShort)
	}
	for _, column := range []*cursor{c, &w.verdictColumn, &w.severityColumn} {
		if column.err != nil {
			return nil, column.err
		}
		if len(column.b) != 0 {
			return nil, errExtra
		}
	}
	return w.finish(), nil
}

// verdicts reads the table of strings and the verdicts.
func (d *decoder) verdicts(c *cursor) ([]verdict, error) {
	codes := statusCodes()
	table := c.table()
	n := c.count(1)
	d.scratch = slices.Grow(d.scratch[:0], n)[:n]
	verdicts := d.scratch
	clear(verdicts)
	for i := range verdicts {
		v := &verdicts[i]
		code := c.byte()
		if int(code&^tailFlag) >= len(codes) {
			c.fail(errRange)
			break
		}
		v.keep = true
		v.Status = codes[code&^tailFlag]
		if v.Status.HasFix() {
			v.Fixed = pick(c, table)
		}
		if code&tailFlag != 0 {
			if m := c.below(len(table) + 1); m > 0 {
				v.Module = table[m-1]
			}
			v.Arches, v.CPEs = pickList(c, table), pickList(c, table)
		}
	}
	if c.err != nil || d.want == nil {
		return verdicts, c.err
	}
	return verdicts, d.ask(verdicts)
}

// ask marks the verdicts that are wanted. Equal fixed versions follow each
// other only by chance, but a verdict differs from the others mostly by its
// fixed version, so that few versions are asked for twice.
func (d *decoder) ask(verdicts []verdict) (err error) {
	for i := range verdicts {
		v := &verdicts[i]
		if !v.Status.HasFix() {
			continue
		}
		if v.keep, err = d.want(v.Fixed); err != nil {
			return err
		}
	}
	return nil
}

// noneKept tells whether there are verdicts and none of them is wanted.
func noneKept(verdicts []verdict) bool {
	for i := range verdicts {
		if verdicts[i].keep {
			return false
		}
	}
	return len(verdicts) > 0
}

func pick(c *cursor, table []string) string {
	if i := c.below(len(table)); c.err == nil {
		return table[i]
	}
	return ""
}

func pickList(c *cursor, table []string) []string {
	n := c.count(1)
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = pick(c, table)
	}
	return list
}

func countKept(column cursor, rows int, verdicts []verdict) (int, error) {
	kept := 0
	for range rows {
		i := column.below(len(verdicts))
		if column.err != nil {
			return 0, column.err
		}
		if verdicts[i].keep {
			kept++
		}
	}
	return kept, nil
}

// rowAliases are the aliases of a row. Few rows have any.
type rowAliases struct {
	row     int
	aliases []string
}

func readAliases(c *cursor, rows int) []rowAliases {
	list := make([]rowAliases, c.count(3))
	row := 0
	for i := range list {
		if row += c.below(rows); row >= rows {
			c.fail(errRange)
		}
		aliases := make([]string, c.count(1))
		for j := range aliases {
			aliases[j] = c.string()
		}
		list[i] = rowAliases{row, aliases}
	}
	return list
}

// rowWriter puts the columns together. The ids of all rows share one piece of
// memory, so that thousands of rows are a handful of allocations.
type rowWriter struct {
	verdicts       []verdict
	sources        []string
	rows           int
	verdictColumn  cursor
	severityColumn cursor
	aliases        []rowAliases // of rows not read yet

	row  int // that is read next
	out  []Advisory
	text strings.Builder
	ends []int // of the ids in text
}

// next reads the columns of a row, and tells whether it is wanted. If it is,
// the caller must give its id to named.
func (w *rowWriter) next(c *cursor) bool {
	if w.row == w.rows {
		c.fail(errExtra)
		return false
	}
	i := w.verdictColumn.below(len(w.verdicts))
	rating := w.severityColumn.uvarint()
	source := rating / severityMod
	level := severity.Severity(rating % severityMod)
	if source >= uint64(len(w.sources)) || level > severity.Critical || w.severityColumn.err != nil {
		c.fail(errRange)
		return false
	}
	var aliases []string
	for len(w.aliases) > 0 && w.aliases[0].row == w.row {
		aliases, w.aliases = w.aliases[0].aliases, w.aliases[1:]
	}
	w.row++
	if !w.verdicts[i].keep {
		return false
	}
	w.out = append(w.out, w.verdicts[i].Advisory)
	a := &w.out[len(w.out)-1]
	a.Severity, a.SeveritySource, a.Aliases = level, w.sources[source], aliases
	return true
}

func (w *rowWriter) named(id []byte) {
	w.text.Write(id)
	w.ends = append(w.ends, w.text.Len())
}

func (w *rowWriter) ids(c *cursor) {
	var id [32]byte
	year := uint64(advisory.FirstCVEYear)
	for range c.count(2) {
		step := c.uvarint()
		if step > 9999 {
			c.fail(errRange)
		}
		year += step
		number := uint64(0)
		for range c.count(1) {
			step := c.uvarint()
			if step > math.MaxUint64-number {
				c.fail(errRange)
			}
			number += step
			if c.err != nil {
				return
			}
			if w.next(c) {
				w.named(advisory.AppendCVE(id[:0], year, number))
			}
		}
	}
	for _, id := range c.table() {
		if w.next(c) {
			w.named([]byte(id))
		}
	}
}

// finish gives the rows their ids.
func (w *rowWriter) finish() []Advisory {
	text := w.text.String()
	start := 0
	for i, end := range w.ends {
		w.out[i].ID, start = text[start:end], end
	}
	return w.out
}
