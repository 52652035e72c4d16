package feed

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

// EPSS reads the daily table of the Exploit Prediction Scoring System
// (https://www.first.org/epss/data_stats): CSV with the columns cve, epss and
// percentile, after a line such as
//
//	#model_version:v2025.03.14,score_date:2026-01-31T12:55:00Z
func EPSS(ctx context.Context, src *Source, emit func(advisory.Facts) error) (stats Stats, err error) {
	doc, err := src.Open(ctx, "")
	if err != nil {
		return stats, err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	budget := &budgetReader{r: doc, left: maxValue}
	text := bufio.NewReaderSize(budget, 64<<10)
	date, err := scoreDate(text)
	if err != nil {
		return stats, fmt.Errorf("%s: %w", doc.Name(), err)
	}
	table := csv.NewReader(text)
	table.ReuseRecord = true
	table.FieldsPerRecord = -1
	columns, err := epssColumns(table)
	if err != nil {
		return stats, fmt.Errorf("%s: %w", doc.Name(), err)
	}
	for {
		budget.left = maxValue
		fields, err := table.Read()
		if errors.Is(err, io.EOF) {
			return stats, noneReadable(doc, stats)
		}
		var malformed *csv.ParseError
		if errors.As(err, &malformed) {
			stats.Report(fmt.Sprintf("%s: row %d", doc.Name(), stats.Rows+stats.Malformed+1), "%v", malformed.Err)
			continue
		}
		if err != nil {
			return stats, err
		}
		where := fmt.Sprintf("%s: row %d", doc.Name(), stats.Rows+stats.Malformed+1)
		f, err := columns.facts(fields, date)
		if err != nil {
			stats.Report(where, "%v", err)
			continue
		}
		if err := emitFacts(where, f, &stats, emit); err != nil {
			return stats, err
		}
	}
}

// scoreDate reads the line before the table, if there is one, and gives the
// day that it states.
func scoreDate(text *bufio.Reader) (string, error) {
	head, err := text.Peek(1)
	if err != nil || head[0] != '#' {
		return "", nil // What is wrong, the table's header says.
	}
	line, err := text.ReadSlice('\n')
	if errors.Is(err, io.EOF) || errors.Is(err, bufio.ErrBufferFull) {
		return "", errors.New("the first line has no end")
	}
	if err != nil {
		return "", err
	}
	for field := range bytes.SplitSeq(bytes.TrimSpace(line[1:]), []byte(",")) {
		if day, found := strings.CutPrefix(string(field), "score_date:"); found {
			day, _, _ = strings.Cut(day, "T")
			return day, nil
		}
	}
	return "", nil
}

// epssPlaces are the places of the columns in a row.
type epssPlaces struct{ id, score, percentile int }

func epssColumns(table *csv.Reader) (epssPlaces, error) {
	titles, err := table.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return epssPlaces{}, fmt.Errorf("the line that names the columns cannot be read: %w", err)
	}
	place := func(title string) int {
		for i, t := range titles {
			if strings.EqualFold(strings.TrimSpace(t), title) {
				return i
			}
		}
		return -1
	}
	p := epssPlaces{place("cve"), place("epss"), place("percentile")}
	if min(p.id, p.score, p.percentile) < 0 {
		return epssPlaces{}, errors.New("the first line does not name the columns cve, epss and percentile: this is not a table of EPSS")
	}
	return p, nil
}

func (p epssPlaces) facts(fields []string, date string) (advisory.Facts, error) {
	if len(fields) <= max(p.id, p.score, p.percentile) {
		return advisory.Facts{}, fmt.Errorf("%d columns", len(fields))
	}
	score, err := strconv.ParseFloat(fields[p.score], 64)
	if err != nil {
		return advisory.Facts{}, fmt.Errorf("epss %q is not a number", fields[p.score])
	}
	percentile, err := strconv.ParseFloat(fields[p.percentile], 64)
	if err != nil {
		return advisory.Facts{}, fmt.Errorf("percentile %q is not a number", fields[p.percentile])
	}
	return advisory.Facts{
		// A copy: the row's memory is used again.
		ID:   strings.Clone(fields[p.id]),
		EPSS: &advisory.EPSS{Score: score, Percentile: percentile, Date: date},
	}, nil
}
