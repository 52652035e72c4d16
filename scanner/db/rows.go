package db

import (
	"encoding/binary"
	"slices"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// The rows of a package are one value of a sorted table. Its key is the kind of
// the name, 's' or 'b', and the name. Numbers are unsigned varints. A
// string is its length and its bytes; a table of strings is sorted, and each of
// them is the length of what it shares with the one before it, and the rest.
//
//	number of rows
//	table of strings: fixed versions, modules, architectures, CPEs
//	verdicts: their number, then each once, by first use:
//	    status, +0x80 with a tail
//	    index of the fixed version, if the status has one
//	    tail: module index+1 or 0; architectures and CPEs: number, indices
//	length of the column of verdicts
//	length of the column of severities
//	column of verdicts: an index a row
//	column of severities: 8 times the word of the source, plus the severity
//	aliases: number of rows that have any; for each the distance to the one
//	    before it, number of aliases, strings
//	CVE ids: number of years; for each the distance to the year before it
//	    (the first to 1999), number of ids, distances of their numbers
//	table of strings: all other ids
//
// Rows are in the order of compareIDs. Distances make a CVE id one to
// three bytes. Columns of like values are what gzip and zstd compress best.

const (
	tailFlag    = 0x80
	severityMod = 8
	// maxTable bounds what a table of strings may unfold to.
	maxTable = 16 << 20
)

// statusCodes gives each status its number in the files. Never renumber.
func statusCodes() [7]advisory.Status {
	return [...]advisory.Status{
		0: advisory.StatusFixed,
		1: advisory.StatusAffected,
		2: advisory.StatusDeferred,
		3: advisory.StatusWillNotFix,
		4: advisory.StatusEndOfLife,
		5: advisory.StatusNeedsPro,
		6: advisory.StatusUnderInvestigation,
	}
}

func lookupKey(kind advisory.Kind, name string) (string, bool) {
	switch kind {
	case advisory.Source:
		return "s" + name, true
	case advisory.Binary:
		return "b" + name, true
	}
	return "", false
}

// row is a row while a database is built.
type row struct {
	id           string
	year, number uint64 // of a CVE id; year 0 for others
	status       advisory.Status
	fixed        string
	module       string
	arches       []string
	cpes         []string
	aliases      []string
	severity     severity.Severity
	source       string // of the severity
}

// encodeRows gives the value for the rows of a package, which must be sorted.
// sources are the words of the header, sorted too.
func encodeRows(rows []row, sources []string) []byte {
	var table []string
	for i := range rows {
		r := &rows[i]
		table = append(table, r.arches...)
		table = append(table, r.cpes...)
		if r.module != "" {
			table = append(table, r.module)
		}
		if r.status.HasFix() {
			table = append(table, r.fixed)
		}
	}
	slices.Sort(table)
	table = slices.Compact(table)

	var verdicts indexer
	var verdictColumn, severityColumn []byte
	for i := range rows {
		verdict := verdicts.index(string(appendVerdict(nil, &rows[i], table)))
		verdictColumn = binary.AppendUvarint(verdictColumn, verdict)
		source, _ := slices.BinarySearch(sources, rows[i].source)
		severityColumn = binary.AppendUvarint(severityColumn, uint64(source)*severityMod+uint64(rows[i].severity)) //nolint:gosec // G115: an index.
	}

	out := binary.AppendUvarint(nil, uint64(len(rows)))
	out = appendTable(out, table)
	out = binary.AppendUvarint(out, uint64(len(verdicts.values)))
	for _, v := range verdicts.values {
		out = append(out, v...)
	}
	out = binary.AppendUvarint(out, uint64(len(verdictColumn)))
	out = binary.AppendUvarint(out, uint64(len(severityColumn)))
	out = append(out, verdictColumn...)
	out = append(out, severityColumn...)
	out = appendAliases(out, rows)
	return appendIDs(out, rows)
}

func appendVerdict(to []byte, r *row, table []string) []byte {
	index := func(s string) uint64 {
		i, _ := slices.BinarySearch(table, s)
		return uint64(i) //nolint:gosec // G115: an index.
	}
	codes := statusCodes()
	status := byte(slices.Index(codes[:], r.status)) //nolint:gosec // G115: 0 to 6; rows have no other status.
	hasTail := r.module != "" || len(r.arches) > 0 || len(r.cpes) > 0
	if hasTail {
		status |= tailFlag
	}
	to = append(to, status)
	if r.status.HasFix() {
		to = binary.AppendUvarint(to, index(r.fixed))
	}
	if !hasTail {
		return to
	}
	module := uint64(0)
	if r.module != "" {
		module = index(r.module) + 1
	}
	to = binary.AppendUvarint(to, module)
	for _, list := range [][]string{r.arches, r.cpes} {
		to = binary.AppendUvarint(to, uint64(len(list)))
		for _, s := range list {
			to = binary.AppendUvarint(to, index(s))
		}
	}
	return to
}

func appendIDs(to []byte, rows []row) []byte {
	var years []byte
	var count, year uint64 = 0, advisory.FirstCVEYear
	i := 0
	for i < len(rows) && rows[i].year > 0 {
		end := i
		for end < len(rows) && rows[end].year == rows[i].year {
			end++
		}
		years = binary.AppendUvarint(years, rows[i].year-year)
		years = binary.AppendUvarint(years, uint64(end-i))
		year = rows[i].year
		number := uint64(0)
		for ; i < end; i++ {
			years = binary.AppendUvarint(years, rows[i].number-number)
			number = rows[i].number
		}
		count++
	}
	to = binary.AppendUvarint(to, count)
	to = append(to, years...)
	var others []string
	for ; i < len(rows); i++ {
		others = append(others, rows[i].id)
	}
	return appendTable(to, others)
}

func appendAliases(to []byte, rows []row) []byte {
	var body []byte
	count, last := uint64(0), 0
	for i := range rows {
		if len(rows[i].aliases) == 0 {
			continue
		}
		body = binary.AppendUvarint(body, uint64(i-last)) //nolint:gosec // G115: last is no more than i.
		body = binary.AppendUvarint(body, uint64(len(rows[i].aliases)))
		for _, alias := range rows[i].aliases {
			body = appendString(body, alias)
		}
		count, last = count+1, i
	}
	return append(binary.AppendUvarint(to, count), body...)
}

// appendTable writes a sorted table of strings.
func appendTable(to []byte, table []string) []byte {
	to = binary.AppendUvarint(to, uint64(len(table)))
	last := ""
	for _, s := range table {
		shared := 0
		for shared < len(s) && shared < len(last) && s[shared] == last[shared] {
			shared++
		}
		to = binary.AppendUvarint(to, uint64(shared))
		to = appendString(to, s[shared:])
		last = s
	}
	return to
}

func appendString(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

// indexer numbers values by their first use.
type indexer struct {
	values []string
	known  map[string]uint64
}

func (x *indexer) index(value string) uint64 {
	if i, ok := x.known[value]; ok {
		return i
	}
	if x.known == nil {
		x.known = map[string]uint64{}
	}
	i := uint64(len(x.values))
	x.known[value] = i
	x.values = append(x.values, value)
	return i
}
