package db

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

// The details of a vulnerability are the value of its id in a sorted table. A
// word is its index in the header.
//
//	number of texts, and of each
//	    word: distribution
//	    string: description
//	    dates of publication and change: days since 1 January of the year 1,
//	        plus 1; 0 for none
//	    address: 0 for none; else 1, plus 1 if the id follows the word, plus
//	        2 times the word
//	number of ratings, and of each
//	    words: source, version, vector
//	    score: 2 times its tenths, or 1 and the 8 bytes of another number
//	date since which it is known to be exploited
//	EPSS: 0 for none; else 1 plus the word of the date, score and percentile,
//	    each 2 times its hundred-thousandths, or 1 and the 8 bytes of another
//	    number

// words gives what a header must list.
func (d *detail) words(id string) []string {
	var words []string
	for _, t := range d.texts {
		address, _ := strings.CutSuffix(t.url, id)
		words = append(words, t.distro, address)
	}
	for _, c := range d.cvss {
		words = append(words, c.Source, c.Version, c.Vector)
	}
	if d.epss != nil {
		words = append(words, d.epss.Date)
	}
	return words
}

// encode gives the value for the id. words must be sorted.
func (d *detail) encode(id string, words []string) []byte {
	word := func(s string) uint64 {
		i, _ := slices.BinarySearch(words, s)
		return uint64(i) //nolint:gosec // G115: an index.
	}
	out := binary.AppendUvarint(nil, uint64(len(d.texts)))
	for _, t := range d.texts {
		out = binary.AppendUvarint(out, word(t.distro))
		out = appendString(out, t.description)
		out = binary.AppendUvarint(out, encodeDate(t.published))
		out = binary.AppendUvarint(out, encodeDate(t.modified))
		address := uint64(0)
		if t.url != "" {
			prefix, isPrefix := strings.CutSuffix(t.url, id)
			address = 1 + 2*word(prefix)
			if isPrefix {
				address++
			}
		}
		out = binary.AppendUvarint(out, address)
	}
	out = binary.AppendUvarint(out, uint64(len(d.cvss)))
	for _, c := range d.cvss {
		for _, s := range []string{c.Source, c.Version, c.Vector} {
			out = binary.AppendUvarint(out, word(s))
		}
		out = appendDecimal(out, c.Score, tenths)
	}
	out = binary.AppendUvarint(out, encodeDate(d.exploited))
	if d.epss == nil {
		return append(out, 0)
	}
	out = binary.AppendUvarint(out, 1+word(d.epss.Date))
	out = appendDecimal(out, d.epss.Score, hundredThousandths)
	return appendDecimal(out, d.epss.Percentile, hundredThousandths)
}

func decodeDetail(value []byte, id string, words []string) (detail, error) {
	c := &cursor{b: value}
	d := detail{texts: make([]text, c.count(5))}
	for i := range d.texts {
		d.texts[i] = text{
			distro: pick(c, words), description: c.string(),
			published: decodeDate(c), modified: decodeDate(c), url: decodeAddress(c, id, words),
		}
	}
	d.cvss = make([]advisory.CVSS, c.count(4))
	for i := range d.cvss {
		d.cvss[i] = advisory.CVSS{Source: pick(c, words), Version: pick(c, words), Vector: pick(c, words), Score: decodeDecimal(c, tenths)}
	}
	d.exploited = decodeDate(c)
	if date := c.below(len(words) + 1); date > 0 {
		d.epss = &advisory.EPSS{
			Date: words[date-1], Score: decodeDecimal(c, hundredThousandths), Percentile: decodeDecimal(c, hundredThousandths),
		}
	}
	if c.err == nil && len(c.b) != 0 {
		c.fail(errExtra)
	}
	return d, c.err
}

func decodeAddress(c *cursor, id string, words []string) string {
	v := c.uvarint()
	if v == 0 {
		return ""
	}
	v--
	if v/2 >= uint64(len(words)) {
		c.fail(errRange)
		return ""
	}
	if v%2 == 1 {
		return words[v/2] + id
	}
	return words[v/2]
}

const (
	secondsPerDay = 24 * 60 * 60
	// epochDays are the days from 1 January of the year 1 to the Unix epoch.
	epochDays = 719162
	maxDays   = 9999 * 366
)

// encodeDate turns a date that a record's validation has seen into a number.
func encodeDate(date string) uint64 {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil || t.Unix()/secondsPerDay+epochDays < 0 {
		return 0
	}
	return uint64(t.Unix()/secondsPerDay + epochDays + 1) //nolint:gosec // G115: not negative.
}

func decodeDate(c *cursor) string {
	days := c.below(maxDays)
	if days == 0 {
		return ""
	}
	return time.Unix(int64(days-1-epochDays)*secondsPerDay, 0).UTC().Format(time.DateOnly)
}

// The units that the scores of CVSS and of EPSS are published in.
const (
	tenths             = 10
	hundredThousandths = 100_000
)

func appendDecimal(to []byte, value, unit float64) []byte {
	if n := math.Round(value * unit); n/unit == value && n >= 0 {
		return binary.AppendUvarint(to, 2*uint64(n))
	}
	return binary.LittleEndian.AppendUint64(append(to, 1), math.Float64bits(value))
}

func decodeDecimal(c *cursor, unit float64) float64 {
	v := c.uvarint()
	if v%2 == 0 {
		return float64(v/2) / unit
	}
	b := c.bytes(8)
	if c.err != nil {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}
