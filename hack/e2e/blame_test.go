package e2e

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
	"github.com/example/microscanner-frontend/scanner/report"
)

const blameStep = "[microscanner] find the instructions behind the findings of linux/amd64"

// apkImage pushes a small Alpine whose shell knows apk, with the high finding of
// OpenSSL in it.
func apkImage(t *testing.T, env *harness.Env) string {
	t.Helper()
	made.mu.Lock()
	defer made.mu.Unlock()
	if ref, ok := made.refs["apk"]; ok {
		return ref
	}
	dir := files(t, merge(in("rootfs", alpine(opensslHigh)), map[string]string{"Dockerfile": "FROM scratch\nCOPY rootfs/ /\nCOPY --chmod=0755 sh /bin/sh\n"}))
	r := env.Run(t.Context(), env.Root(), nil, "env", "CGO_ENABLED=0", "go", "build", "-trimpath", "-o", filepath.Join(dir, "sh"), "./hack/e2e/testdata/apk")
	require.Zero(t, r.ExitCode, r.Combined)
	ref := env.Ref("base/apk:latest")
	mustPush(t, env, dir, "", ref, "--provenance=false")
	made.refs["apk"] = ref
	return ref
}

// from is what a package's finding says of its instruction.
type from struct {
	line        int
	stage, copy string // the stage, and that of a COPY --from
	base        bool
	unpinned    bool   // the base image's digest is not known
	text        string // a part of the instruction
}

// blameCase is a Dockerfile, in which BASE stands for apkImage, with what its
// findings say.
type blameCase struct {
	name, dockerfile string
	files            map[string]string
	args             []string
	want             map[string]from // by package
}

// openssl is the finding that the base image has.
func openssl(line int, stage string) from {
	return from{line: line, stage: stage, base: true, text: "FROM"}
}

// database is the database of packages "name=version".
func database(packages ...string) string {
	var b strings.Builder
	for _, p := range packages {
		name, version, _ := strings.Cut(p, "=")
		b.WriteString("P:" + name + "\nV:" + version + "\nA:x86_64\no:" + name + "\n\n")
	}
	return b.String()
}

const installedDB = "/lib/apk/db/installed"

func blameCases() []blameCase {
	type m = map[string]from
	return []blameCase{
		{name: "base image", dockerfile: "FROM BASE\n", want: m{"openssl": openssl(1, "")}},
		{name: "one line", dockerfile: "FROM BASE\nRUN apk add --no-cache acme-a=1.0-r0 && rm -rf /var/cache\n",
			want: m{"openssl": openssl(1, ""), "acme-a": {line: 2, text: "RUN apk add --no-cache acme-a=1.0-r0 && rm"}}},
		{name: "lines between", dockerfile: "# a comment\n\nFROM BASE\nENV A=b\nWORKDIR /app\nLABEL x=y\nRUN apk add acme-a=1.0-r0\nEXPOSE 80\nWORKDIR /srv\nRUN echo done\nCMD [\"true\"]\n",
			want: m{"openssl": openssl(3, ""), "acme-a": {line: 7, text: "RUN apk add"}}},
		{name: "long lines", dockerfile: "FROM BASE\nRUN echo one \\\n  && echo two\nRUN apk add \\\n  # why\n  acme-a=1.0-r0 \\\n\n  acme-b=1.0-r0\nRUN echo end\n",
			want: m{"openssl": openssl(1, ""), "acme-a": {line: 4, text: "acme-a=1.0-r0"}, "acme-b": {line: 4, text: "acme-b=1.0-r0"}}},
		{name: "virtual", dockerfile: "FROM BASE\nRUN apk add --virtual .build acme-a=1.0-r0 && apk add acme-b=1.0-r0 && apk del .build\nRUN apk add --virtual .more acme-c=1.0-r0\n",
			want: m{"openssl": openssl(1, ""), "acme-b": {line: 2}, "acme-c": {line: 3}}},
		{name: "upgraded", dockerfile: "FROM BASE\nRUN apk add acme-a=1.0-r0\nRUN apk add acme-b=1.0-r0\nRUN apk add acme-a=2.0-r0\nRUN echo end\n",
			want: m{"openssl": openssl(1, ""), "acme-a": {line: 4}, "acme-b": {line: 3}}},
		{name: "downgraded", dockerfile: "FROM BASE\nRUN apk add acme-a=1.0-r0\nRUN apk add acme-a=9.1-r0\nRUN apk add acme-a=1.0-r0\n",
			want: m{"openssl": openssl(1, ""), "acme-a": {line: 4}}},
		{name: "removed and back", dockerfile: "FROM BASE\nRUN apk add acme-a=1.0-r0 acme-b=1.0-r0\nRUN apk del acme-a acme-b\nRUN apk add acme-a=1.0-r0\n",
			want: m{"openssl": openssl(1, ""), "acme-a": {line: 4}}},
		{name: "multi-stage", dockerfile: "FROM BASE AS build\nRUN apk add acme-a=1.0-r0\nRUN cp /etc/os-release /app\n\nFROM BASE\nCOPY --from=build /app /app\nRUN apk add acme-b=1.0-r0\n",
			want: m{"openssl": openssl(5, "stage-1"), "acme-b": {line: 7, stage: "stage-1"}}},
		{name: "a database of another stage", dockerfile: "FROM BASE AS Build\nRUN apk add acme-a=1.0-r0\nFROM BASE\nRUN apk add acme-b=1.0-r0\nCOPY --from=build /lib/apk /lib/apk\nRUN apk add acme-c=1.0-r0\n",
			want: m{"openssl": openssl(3, "stage-1"), "acme-a": {line: 5, stage: "stage-1", copy: "build", text: "COPY --from=build /lib/apk /lib/apk"}, "acme-c": {line: 6, stage: "stage-1"}}},
		{name: "a rootfs of another stage", dockerfile: "FROM BASE AS build\nRUN apk add acme-a=1.0-r0\nFROM scratch\nCOPY --from=0 / /\nCOPY --chown=1:1 x /x\n", files: map[string]string{"x": ""},
			want: m{"openssl": {line: 4, stage: "stage-1", copy: "build"}, "acme-a": {line: 4, stage: "stage-1", copy: "build"}}},
		{name: "a rootfs of an image", dockerfile: "FROM scratch\nCOPY --from=BASE / /\n", want: m{"openssl": {line: 2, copy: "BASE"}}},
		{name: "stage as base", dockerfile: "FROM BASE AS one\nRUN apk add acme-a=1.0-r0\nFROM BASE AS other\nRUN apk add acme-a=1.0-r0\nFROM one AS two\nRUN apk add acme-b=1.0-r0\nCOPY --from=other /etc/os-release /x\n",
			want: m{"openssl": openssl(1, "one"), "acme-a": {line: 2, stage: "one"}, "acme-b": {line: 6, stage: "two"}}},
		{name: "equal instructions", dockerfile: "FROM BASE AS one\nRUN apk add acme-a=1.0-r0\nRUN cp /etc/os-release /x\nFROM BASE\nRUN apk add acme-a=1.0-r0\nCOPY --from=one /x /x\n",
			want: m{"openssl": openssl(4, "stage-1"), "acme-a": {line: 5, stage: "stage-1"}}},
		{name: "target", dockerfile: "FROM BASE AS one\nRUN apk add acme-a=1.0-r0\nFROM one AS two\nRUN apk add acme-b=1.0-r0\nFROM two\nRUN apk add acme-c=1.0-r0\n", args: []string{"--target", "two"},
			want: m{"openssl": openssl(1, "one"), "acme-a": {line: 2, stage: "one"}, "acme-b": {line: 4, stage: "two"}}},
		{name: "ARG in FROM", dockerfile: "ARG IMAGE=nothing\nARG WHICH=one\nFROM ${IMAGE} AS one\nRUN apk add acme-a=1.0-r0\nFROM $WHICH\nARG V=1.0-r0\nRUN apk add acme-b=$V\n", args: []string{"--build-arg", "IMAGE=BASE"},
			want: m{"openssl": openssl(3, "one"), "acme-a": {line: 4, stage: "one"}, "acme-b": {line: 7, stage: "stage-1", text: "acme-b=$V"}}},
		{name: "heredocs", dockerfile: "FROM BASE\nRUN <<EOF\napk add acme-a=1.0-r0\napk add acme-b=1.0-r0\nEOF\nRUN <<EOF\n#!/bin/sh\napk add acme-c=1.0-r0\nEOF\nRUN echo end\n",
			want: m{"openssl": openssl(1, ""), "acme-a": {line: 2, text: "RUN <<EOF"}, "acme-b": {line: 2}, "acme-c": {line: 6}}},
		{name: "heredoc COPY", dockerfile: "FROM BASE\nRUN echo first\nCOPY <<EOF " + installedDB + "\n" + database("acme-a=1.0-r0") + "EOF\nRUN apk add acme-b=1.0-r0\n",
			want: m{"acme-a": {line: 3, text: "COPY <<EOF /lib/apk/db/installed"}, "acme-b": {line: 10}}},
		{name: "mounts", dockerfile: "FROM BASE AS build\nRUN apk add acme-a=1.0-r0\nFROM BASE\nRUN --mount=type=cache,target=/cache --mount=type=tmpfs,target=/tmp apk add acme-b=1.0-r0\nRUN --mount=from=build,source=/lib/apk/db,target=/from cp /from/installed /lib/apk/db/installed\n",
			want: m{"openssl": openssl(3, "stage-1"), "acme-a": {line: 5, stage: "stage-1", text: "--mount=from=build"}}},
		{name: "link", dockerfile: "FROM BASE\nCOPY --link x /x\nCOPY --link db " + installedDB + "\nCOPY --link x /y\nRUN apk add acme-b=1.0-r0\nCOPY --link x /z\n", files: map[string]string{"x": "", "db": database("acme-a=1.0-r0")},
			want: m{"acme-a": {line: 3, text: "COPY --link db"}, "acme-b": {line: 5}}},
		{name: "a linked rootfs", dockerfile: "FROM BASE AS build\nRUN apk add acme-a=1.0-r0\nFROM scratch\nCOPY --link --from=build / /\nCOPY --link x /x\n", files: map[string]string{"x": ""},
			want: m{"openssl": {line: 4, stage: "stage-1", copy: "build"}, "acme-a": {line: 4, stage: "stage-1", copy: "build"}}},
		{name: "several sources", dockerfile: "FROM BASE\nCOPY a b /lib/apk/db/\nCOPY a installed /lib/apk/db/\n", files: map[string]string{"a": "", "b": "", "installed": database("acme-a=1.0-r0")},
			want: m{"acme-a": {line: 3}}},
		{name: "archive", dockerfile: "FROM BASE\nRUN echo x\nADD db.tar /\n", files: map[string]string{"db.tar": archive(installedDB, database("acme-a=1.0-r0"))},
			want: m{"acme-a": {line: 3, text: "ADD db.tar /"}}},
		{name: "ONBUILD of a stage", dockerfile: "FROM BASE AS parent\nONBUILD RUN apk add acme-a=1.0-r0\nRUN apk add acme-b=1.0-r0\nFROM parent\nRUN apk add acme-c=1.0-r0\n",
			want: m{"openssl": openssl(1, "parent"), "acme-a": {line: 4, stage: "stage-1", text: "ONBUILD RUN apk add acme-a"}, "acme-b": {line: 3, stage: "parent"}, "acme-c": {line: 5, stage: "stage-1"}}},
		{name: "named context", dockerfile: "FROM BASE AS unused\nFROM thing\nRUN apk add acme-a=1.0-r0\n", args: []string{"--build-context", "thing=docker-image://BASE"},
			want: m{"openssl": {line: 2, stage: "stage-1", base: true, unpinned: true, text: "FROM thing"}, "acme-a": {line: 3, stage: "stage-1"}}},
		{name: "context directory as base", dockerfile: "FROM BASE AS sh\nFROM thing\nCOPY --from=sh /bin/sh /bin/sh\nRUN apk add acme-a=1.0-r0\n", args: []string{"--build-context", "thing=rootfs"}, files: in("rootfs", alpine(opensslHigh)),
			want: m{"openssl": {line: 2, stage: "stage-1", text: "FROM thing"}, "acme-a": {line: 4, stage: "stage-1"}}},
		{name: "database that breaks", dockerfile: "FROM BASE\nRUN rm -rf /lib/apk/db/installed\nRUN apk add acme-a=1.0-r0\n", want: m{"acme-a": {line: 3}}},
		{name: "lower case and another file", dockerfile: "FROM scratch\n", files: map[string]string{"sub/other.Dockerfile": "# escape=`\nfrom BASE as Final\nrun apk add `\n  acme-a=1.0-r0\n"}, args: []string{"-f", "sub/other.Dockerfile"},
			want: m{"openssl": {line: 2, stage: "final", base: true, text: "from"}, "acme-a": {line: 3, stage: "final", text: "run apk add"}}},
	}
}

// archive is a tar with one file.
func archive(name, text string) string {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	_ = w.WriteHeader(&tar.Header{Name: strings.TrimPrefix(name, "/"), Mode: 0o644, Size: int64(len(text))})
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

// scanReports is the answer of --call=scan, a report a platform.
func scanReports(t *testing.T, env *harness.Env, dir string, args ...string) []report.Report {
	t.Helper()
	argv := append([]string{"build", "--call=scan,format=json", "--build-arg", "BUILDKIT_SYNTAX=" + env.FrontendRef()}, args...)
	if !contains(args, "#main") {
		argv = append(argv, ".")
	}
	r := env.Buildx(t.Context(), dir, nil, argv...)
	require.Contains(t, []int{0, 4}, r.ExitCode, r.Combined)
	if strings.HasPrefix(r.Stdout, "[") {
		var reports []report.Report
		require.NoError(t, json.Unmarshal([]byte(r.Stdout), &reports), r.Combined)
		return reports
	}
	one, err := report.Decode(strings.NewReader(r.Stdout))
	require.NoError(t, err, r.Combined)
	return []report.Report{*one}
}

func contains(args []string, part string) bool {
	return strings.Contains(strings.Join(args, " "), part)
}

// requireBlamed checks what the findings of a report say of their instructions.
func requireBlamed(t *testing.T, r *report.Report, base string, want map[string]from) {
	t.Helper()
	got := map[string]bool{}
	for _, f := range r.Findings() {
		name := f.Source.Name
		got[name] = true
		w, ok := want[name]
		if !assert.True(t, ok, "a finding in %s", name) || !assert.NotNil(t, f.IntroducedBy, name) {
			continue
		}
		by := f.IntroducedBy
		assert.Equal(t, w.line, by.Line, "line of %s: %+v", name, by)
		assert.GreaterOrEqual(t, by.EndLine, by.Line)
		assert.Equal(t, w.stage, by.Stage, "stage of %s", name)
		assert.Equal(t, strings.ReplaceAll(w.copy, "BASE", base), by.FromStage, "stage that %s is copied from", name)
		assert.Equal(t, w.base, by.Base, "base of %s", name)
		assert.Contains(t, by.Instruction, w.text, name)
		if w.base {
			assert.Equal(t, base, by.BaseImage)
			if !w.unpinned {
				assert.Regexp(t, "^sha256:[0-9a-f]{64}$", by.BaseDigest)
			}
		}
	}
	for name := range want {
		assert.True(t, got[name], "no finding in %s", name)
	}
}

func TestBlame(t *testing.T) {
	env := start(t)
	base := apkImage(t, env)
	for _, tc := range blameCases() {
		t.Run(tc.name, func(t *testing.T) {
			content := merge(tc.files, map[string]string{"Dockerfile": tc.dockerfile})
			for name, text := range content {
				content[name] = strings.ReplaceAll(text, "BASE", base)
			}
			var args []string
			for _, a := range tc.args {
				args = append(args, strings.ReplaceAll(a, "BASE", base))
			}
			reports := scanReports(t, env, files(t, content), args...)
			require.Len(t, reports, 1)
			requireBlamed(t, &reports[0], base, tc.want)
		})
	}
}

func TestBlameOfPlatforms(t *testing.T) {
	env := start(t)
	dir := files(t, merge(
		map[string]string{"Dockerfile": "FROM scratch AS amd64\nCOPY rootfs/ /\nFROM scratch AS arm64\nCOPY x /x\nCOPY rootfs/ /\nFROM $TARGETARCH\nARG TARGETARCH\nCOPY db-$TARGETARCH /lib/apk/db/installed\n",
			"x": "", "db-amd64": database("acme-a=1.0-r0"), "db-arm64": database("acme-b=1.0-r0")},
		in("rootfs", alpine(opensslHigh))))
	reports := scanReports(t, env, dir, "--platform", "linux/amd64,linux/arm64")
	require.Len(t, reports, 2)
	requireBlamed(t, &reports[0], "", map[string]from{"acme-a": {line: 8, stage: "stage-2"}})
	requireBlamed(t, &reports[1], "", map[string]from{"acme-b": {line: 8, stage: "stage-2"}})
}

func TestBlameOfAGitContext(t *testing.T) {
	env := start(t)
	base := apkImage(t, env)
	dir := files(t, map[string]string{"Dockerfile": "FROM " + base + "\nRUN apk add acme-a=1.0-r0\n"})
	reports := scanReports(t, env, dir, serveGit(t, env, dir))
	requireBlamed(t, &reports[0], base, map[string]from{"openssl": openssl(1, ""), "acme-a": {line: 2}})
}

// TestBlameOfAnImageWithTriggers: what ONBUILD brings is the line of the FROM,
// and is not the base image's.
func TestBlameOfAnImageWithTriggers(t *testing.T) {
	env := start(t)
	base := apkImage(t, env)
	trigger := imageName(t, env, "trigger")
	mustPush(t, env, files(t, map[string]string{"Dockerfile": "FROM " + base + "\nONBUILD RUN apk add acme-a=1.0-r0\nONBUILD COPY db /x\n"}), "", trigger, "--provenance=false")
	dir := files(t, map[string]string{"Dockerfile": "# first\nFROM " + trigger + "\nRUN apk add acme-b=1.0-r0\n", "db": ""})
	reports := scanReports(t, env, dir)
	requireBlamed(t, &reports[0], trigger, map[string]from{
		"openssl": openssl(2, ""), "acme-a": {line: 2, text: "ONBUILD RUN apk add acme-a=1.0-r0"}, "acme-b": {line: 3},
	})
}

// TestBlameOnDebian: a real Debian with its real dpkg and apt.
func TestBlameOnDebian(t *testing.T) {
	env := start(t)
	base := debianImage(t, env, vulnerable)
	control := func(version string) string {
		return `mkdir -p /tmp/p/DEBIAN && printf 'Package: acme-agentd\nSource: acme-agent\nVersion: ` + version + `\nArchitecture: all\nMaintainer: a <a@example.com>\nDescription: x\n' > /tmp/p/DEBIAN/control && dpkg-deb -b /tmp/p /tmp/p.deb`
	}
	dir := files(t, map[string]string{"Dockerfile": "FROM " + base + " AS debs\nRUN " + control("1.0-1") + " && mv /tmp/p.deb /tmp/one.deb\nRUN " + control("2.0-1") + " && mv /tmp/p.deb /tmp/two.deb\n" +
		"FROM " + base + "\nRUN true\nRUN --mount=from=debs,source=/tmp,target=/debs \\\n  apt-get install -y --no-install-recommends /debs/one.deb\nRUN --mount=from=debs,source=/tmp,target=/debs dpkg -i /debs/two.deb\nRUN rm -rf /var/lib/apt/lists\n"})
	reports := scanReports(t, env, dir)
	n := 0
	for _, f := range reports[0].Findings() {
		require.NotNil(t, f.IntroducedBy, f.Source.Name)
		if f.Source.Name == "acme-agent" {
			n++
			require.Equal(t, 8, f.IntroducedBy.Line)
			require.False(t, f.IntroducedBy.Base)
			continue
		}
		require.Equal(t, 4, f.IntroducedBy.Line, f.Source.Name)
		require.True(t, f.IntroducedBy.Base)
	}
	require.Equal(t, 1, n)
	v := reports[0].Verdict
	require.Equal(t, 1, v.Added.Total())
	require.Equal(t, v.Counts.Total()-1, v.Base.Total())
	require.Positive(t, v.Base.Total())
}

// TestBlameRunsNothingAgain: neither in the build itself nor in the next one is
// a user's step run for it, and the image is the one of a plain build.
func TestBlameRunsNothingAgain(t *testing.T) {
	env := start(t)
	base := apkImage(t, env)
	dockerfile := "FROM " + base + "\nRUN echo steps-one\nRUN apk add acme-a=1.0-r0\nWORKDIR /app\nCOPY --link x /x\nRUN echo steps-two\n"
	dir := files(t, map[string]string{"Dockerfile": dockerfile, "x": "again"})
	args := []string{"--build-arg", "MICROSCANNER_FAIL_ON=never", "--provenance=false"}
	for round := range 2 {
		r := mustPush(t, env, dir, env.FrontendRef(), imageName(t, env, "scanned"), args...)
		require.Contains(t, r.Combined, blameStep)
		for _, step := range []string{"[2/6] RUN echo steps-one", "[3/6] RUN apk add acme-a=1.0-r0", "[4/6] WORKDIR /app", "[6/6] RUN echo steps-two"} {
			require.Equal(t, round == 1, cached(r.Combined, step), "round %d: %s\n%s", round, step, r.Combined)
		}
		require.LessOrEqual(t, strings.Count(r.Combined, " steps-one\n"), 2, r.Combined) // its name and what it prints
	}
	mustPush(t, env, dir, "", imageName(t, env, "plain"), "--provenance=false")
	requireSameImage(t, env, imageName(t, env, "plain"), imageName(t, env, "scanned"))

	clean := files(t, merge(map[string]string{"Dockerfile": copyRootfs}, in("rootfs", alpine(opensslClean))))
	r := mustPush(t, env, clean, env.FrontendRef(), imageName(t, env, "clean"))
	require.NotContains(t, r.Combined, "find the instructions", "nothing was found")
}

// TestBlameWithImportedCache: another builder that has nothing but a cache to
// import runs none of the user's steps either.
func TestBlameWithImportedCache(t *testing.T) {
	env := start(t)
	base := apkImage(t, env)
	dir := files(t, map[string]string{"Dockerfile": "FROM " + base + " AS build\nRUN apk add acme-a=1.0-r0\nRUN echo build-two\nFROM " + base + "\nRUN echo ran-one\nCOPY --from=build /lib/apk /lib/apk\nRUN echo ran-two\nRUN apk add acme-b=1.0-r0\n"})
	ran := func(out string) string { return `(?m)^#\d+ [0-9.]+ ` + out + `$` }
	for i, mode := range []string{"max", "min", "inline"} {
		t.Run(mode, func(t *testing.T) {
			to, cache := "type=registry,mode="+mode+",ref="+imageName(t, env, "cache"), imageName(t, env, "cache")
			if mode == "inline" {
				to, cache = "type=inline", imageName(t, env, "one")
			}
			never := []string{"--build-arg", "MICROSCANNER_FAIL_ON=never", "--provenance=false"}
			r := mustPush(t, env, dir, env.FrontendRef(), imageName(t, env, "one"), append(never, "--cache-to", to)...)
			if i == 0 {
				require.Regexp(t, ran("ran-one"), r.Combined, "what a step says when it runs")
			}
			other := startOwn(t)
			r = mustPush(t, other, dir, env.FrontendRef(), imageName(t, env, "two"), append(never, "--cache-from", "type=registry,ref="+cache)...)
			require.Contains(t, r.Combined, blameStep)
			require.Contains(t, r.Combined, "(line 8)", "where acme-b came from")
			for _, out := range []string{"ran-one", "ran-two", "build-two"} {
				require.NotRegexp(t, ran(out), r.Combined, "a step ran")
			}
			if mode != "inline" { // whose image has the cache in its config
				requireSameImage(t, env, imageName(t, env, "one"), imageName(t, env, "two"))
			}
		})
	}
}

// TestFramesAndWarnings: the error of a refused image shows the lines of the
// worst instructions, a warning its own, and no control character gets through.
func TestFramesAndWarnings(t *testing.T) {
	env := start(t)
	base := apkImage(t, env)
	dir := files(t, map[string]string{"Dockerfile": "FROM " + base + "\nRUN echo before\nRUN apk add acme-a=1.0-r0 acme-b=1.0-r0 && echo \x1b[31mred\nRUN echo after\n"})
	r := push(t, env, dir, env.FrontendRef(), imageName(t, env, "refused"))
	require.Equal(t, 1, r.ExitCode, r.Combined)
	require.Contains(t, r.Combined, "exit code: 4")
	require.Contains(t, r.Combined, "Dockerfile:3\n--------------------")
	require.Contains(t, r.Combined, "   3 | >>> RUN apk add acme-a=1.0-r0 acme-b=1.0-r0")
	require.Contains(t, r.Combined, "   1 | >>> FROM "+base)
	require.Less(t, strings.Index(r.Combined, ">>> RUN apk add"), strings.Index(r.Combined, ">>> FROM"), "the worst first")
	_, frame, _ := strings.Cut(r.Combined, "Dockerfile:3\n-----")
	require.NotContains(t, frame, "\x1b")

	metadata := filepath.Join(t.TempDir(), "metadata.json")
	r = push(t, env, dir, env.FrontendRef(), imageName(t, env, "shipped"), "--build-arg", "MICROSCANNER_FAIL_ON=never", "--metadata-file", metadata)
	require.Zero(t, r.ExitCode, r.Combined)
	require.Regexp(t, ` - microscanner: acme-a 1\.0-r0 -> 9\.0-r0: 1 high \(ACME-2026-297\) \(line 3\)`, r.Combined)
	require.Regexp(t, ` - microscanner: openssl .* \(line 1\)`, r.Combined)
	_, err := os.Stat(metadata)
	require.NoError(t, err)
}

// TestBlameOfManySteps: more steps than one stage compares.
func TestBlameOfManySteps(t *testing.T) {
	env := start(t)
	base := apkImage(t, env)
	lines := []string{"FROM " + base}
	for i := 2; i <= 125; i++ {
		switch i {
		case 5:
			lines = append(lines, "RUN apk add acme-a=1.0-r0")
		case 100:
			lines = append(lines, "RUN apk add acme-b=1.0-r0")
		default:
			lines = append(lines, "COPY x /x")
		}
	}
	dir := files(t, map[string]string{"Dockerfile": strings.Join(lines, "\n") + "\n", "x": ""})
	reports := scanReports(t, env, dir)
	requireBlamed(t, &reports[0], base, map[string]from{"openssl": openssl(1, ""), "acme-a": {line: 5}, "acme-b": {line: 100}})
}
