package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/hack/harness"
)

// manySteps is how many instructions the Dockerfile has whose findings are blamed.
const manySteps = 20

// blames measures, turn by turn and fully cached, builds of a Dockerfile of
// manySteps instructions: with upstream's frontend image; the same with a step
// more that does nothing; with a scan that finds nothing; with one that finds
// something, by a frontend that does not blame; and with one whose findings are
// blamed. The last two differ by what the blame costs, and by nothing else.
func (b *bench) blames(ctx context.Context, dir, base, upstream, clean string) error {
	database, err := b.findings(ctx)
	if err != nil {
		return err
	}
	blaming, err := b.env.BuildFrontend(ctx, harness.Frontend{Name: "microscanner-frontend:findings", Database: database})
	if err != nil {
		return err
	}
	overlay, err := b.withoutBlame()
	if err != nil {
		return err
	}
	found, err := b.env.BuildFrontend(ctx, harness.Frontend{Name: "microscanner-frontend:blameless", Database: database, Overlay: overlay})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(stepsDockerfile(base)), 0o600); err != nil {
		return fmt.Errorf("write the Dockerfile: %w", err)
	}
	final := func(int) []string {
		return []string{"--opt", "target=final", "--opt", "build-arg:MICROSCANNER_FAIL_ON=never"}
	}
	kinds := []*kind{
		{name: "plain", frontend: upstream, options: func(int) []string { return []string{"--opt", "target=final"} }},
		{name: "true", frontend: upstream, options: func(round int) []string {
			return []string{"--opt", "target=true", "--opt", fmt.Sprintf("build-arg:ROUND=%d", round)}
		}},
		{name: "scan", frontend: clean, options: final},
		{name: "findings", frontend: found, options: final},
		{name: "blame", frontend: blaming, options: final},
	}
	if err := b.turns(ctx, dir, "Blame", kinds); err != nil {
		return err
	}
	for _, of := range []struct {
		name string
		f    func([]time.Duration) time.Duration
	}{{"minima", slices.Min[[]time.Duration]}, {"medians", median}} {
		at := func(i int) float64 { return ms(of.f(kinds[i].walls)) }
		nothing, findings, blame := at(1)-at(0), at(3)-at(2), at(4)-at(3)
		fmt.Fprintf(b.out, "# cached builds of %d instructions, %d rounds, %s: plain %.0f ms; added: true %.0f ms, findings to a scan %.0f ms, blame %.0f ms; blame/true = %.2f (limit 1.5)\n",
			manySteps, b.rounds, of.name, at(0), nothing, findings, blame, blame/nothing)
	}
	return nil
}

// withoutBlame gives an overlay for go build with which the frontend leaves its
// findings without an instruction: there is no setting for that.
func (b *bench) withoutBlame() (overlay string, err error) {
	const condition, always = "if len(o.report.Findings()) == 0 {", "if true {"
	source := filepath.Join(b.env.Root(), "frontend", "blame.go")
	text, err := os.ReadFile(source)
	if err != nil {
		return "", fmt.Errorf("compile a frontend without blame: %w", err)
	}
	if bytes.Count(text, []byte(condition)) != 1 {
		return "", fmt.Errorf("compile a frontend without blame: %s does not say %q once", source, condition)
	}
	changed := filepath.Join(b.env.Dir(), "blameless.go")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {source: changed}})
	if err != nil {
		return "", fmt.Errorf("compile a frontend without blame: %w", err)
	}
	overlay = filepath.Join(b.env.Dir(), "overlay.json")
	for name, text := range map[string][]byte{changed: bytes.Replace(text, []byte(condition), []byte(always), 1), overlay: list} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return "", fmt.Errorf("compile a frontend without blame: %w", err)
		}
	}
	return overlay, nil
}

// stepsDockerfile changes the database of packages in every fourth instruction.
func stepsDockerfile(base string) string {
	lines := []string{"FROM " + base + " AS final"}
	for i := 1; i < manySteps; i++ {
		if i%4 == 0 {
			lines = append(lines, fmt.Sprintf("RUN sed -i '1aX-Step: %d' /var/lib/dpkg/status", i))
		} else {
			lines = append(lines, fmt.Sprintf("RUN echo %d >/srv/%d", i, i))
		}
	}
	return strings.Join(append(lines,
		"FROM scratch AS runner",
		"COPY true /true",
		"FROM runner AS true",
		"ARG ROUND",
		`RUN --network=none --mount=type=bind,from=final,target=/rootfs ["/true"]`,
		""), "\n")
}

// findings makes a database by which one package in three has findings.
func (b *bench) findings(ctx context.Context) (string, error) {
	records := filepath.Join(b.env.Dir(), "findings.jsonl")
	if err := writeRecords(b.tar, records); err != nil {
		return "", err
	}
	dt, err := os.ReadFile(records)
	if err != nil {
		return "", fmt.Errorf("read advisories: %w", err)
	}
	var out bytes.Buffer
	lines := bufio.NewScanner(bytes.NewReader(dt))
	for n := 0; lines.Scan(); n++ {
		line := lines.Text()
		if n/recordsPerSource%3 == 0 && !strings.Contains(line, `"linux"`) {
			line = strings.Replace(line, `"fixed":"0~`, `"fixed":"99:`, 1)
		}
		out.WriteString(line + "\n")
	}
	if err := os.WriteFile(records, out.Bytes(), 0o600); err != nil {
		return "", fmt.Errorf("write advisories: %w", err)
	}
	database := filepath.Join(b.env.Dir(), "findings")
	r := b.env.Run(ctx, b.env.Root(), nil, b.maker, "db", "build", "--output", database, "--feed", "records="+records)
	if r.ExitCode != 0 {
		return "", fmt.Errorf("compile the database with findings: %s", r.Combined)
	}
	return database, nil
}
