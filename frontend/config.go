package frontend

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/formats"
	"github.com/example/microscanner-frontend/scanner/settings"
)

// The options of a build that this frontend reads itself.
const (
	optBuildArg  = "build-arg:" // before a build argument's name
	optRequestID = "requestid"
	optSource    = "source" // the image that this program was called as
	optTarget    = "target"
	optAttest    = "attest:"       // before the name of an attestation that BuildKit makes
	optCaps      = "frontend.caps" // what the client wants the frontend to be able to do
	// optResolveMode says whether images are looked up in their registry
	// although they are here already.
	optResolveMode = "image-resolve-mode"
)

// capSubrequests is the capability to answer subrequests.
const capSubrequests = "moby.buildkit.frontend.subrequests"

// What a build asks for, beside an image.
const (
	requestImage    = ""
	requestScan     = "frontend.scan" // docker buildx build --call=scan
	requestDescribe = subrequests.RequestSubrequestsDescribe
)

// config is what a build's options and its settings say of the scan.
type config struct {
	settings.Settings
	// suppressions is a list of policy.Suppression for the scanner, in JSON:
	// the ignore lists and the VEX documents. It is nil if there are none.
	suppressions []byte
	// fixedDB says that builds may not choose the database.
	fixedDB bool
	target  string // the Dockerfile stage that was asked for, or empty
	request string // a subrequest, or empty
	// format is the format that a requestScan asked for; its name is empty if
	// that asked for none.
	format formats.Format
	// dockerfile is what was read as the Dockerfile. Another frontend may have
	// another language.
	dockerfile []byte
}

// listPackages reports whether the report has to list packages without
// vulnerabilities too.
func (c config) listPackages() bool {
	return c.request == requestImage && c.Result == settings.ResultReport || c.format.NeedsPackages
}

// readConfig reads our settings from every place. It returns the build's
// options without ours for the Dockerfile frontend, which would warn of build
// arguments that no instruction uses.
func readConfig(ctx context.Context, c client.Client) (config, map[string]string, error) {
	opts := c.BuildOpts().Opts
	args, rest := splitOptions(opts)
	cfg := config{target: opts[optTarget]}
	var err error
	if cfg.request, cfg.format, err = parseRequest(opts[optRequestID]); err != nil {
		return config{}, nil, err
	}
	lock, err := readLock(policyPath)
	if err != nil {
		return config{}, nil, settingsError(err)
	}
	fromArgs, err := settings.ParseArgs(args)
	if err != nil {
		return config{}, nil, settingsError(err)
	}
	// The Dockerfile frontend will ask for the Dockerfile with the same options,
	// and so get the very transfer that this client asks for.
	ui, err := dockerui.NewClient(&buildClient{Client: c, opts: rest})
	if err != nil {
		return config{}, nil, err
	}
	places, err := readPlaces(ctx, ui, rest)
	if err != nil {
		return config{}, nil, err
	}
	merged, err := settings.Merge(lock, fromArgs, places.directive, places.file)
	if err != nil {
		return config{}, nil, settingsError(err, places.sources...)
	}
	cfg.Settings = merged
	cfg.fixedDB = lock.Locks(settings.KeyDB)
	cfg.dockerfile = places.sources[0].data
	cfg.suppressions, err = suppressions(ctx, places.context, merged)
	return cfg, rest, err
}

// splitOptions parts the build arguments that are ours, by name, from all
// other options. The map is the caller's and stays as it is.
func splitOptions(opts map[string]string) (args, rest map[string]string) {
	args, rest = map[string]string{}, maps.Clone(opts)
	for opt, value := range opts {
		if name, ok := strings.CutPrefix(opt, optBuildArg); ok && settings.IsArg(name) {
			args[name] = value
			delete(rest, opt)
		}
	}
	if isScanRequest(opts[optRequestID]) {
		delete(rest, optRequestID)
		// A frontend that this leads to need not know of subrequests.
		rest[optCaps] = withoutCap(rest[optCaps], capSubrequests)
		if rest[optCaps] == "" {
			delete(rest, optCaps)
		}
	}
	return args, rest
}

// withoutCap drops one from a list of capabilities that a build asks for; each
// may have a suffix that begins with "+".
func withoutCap(list, name string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(list, ","), func(c string) bool {
		c, _, _ = strings.Cut(c, "+")
		return c == name
	}), ",")
}

// places are the settings that come with the Dockerfile and its context.
type places struct {
	directive settings.Layer
	file      settings.Layer
	context   *contextFiles
	sources   []source // for errors
}

// readPlaces reads both at once. Of two errors it returns that of the
// Dockerfile, whichever came first.
func readPlaces(ctx context.Context, ui *dockerui.Client, opts map[string]string) (places, error) {
	out := places{context: &contextFiles{ui: ui, opts: opts}}
	var dockerfile, file source
	var dockerfileErr, fileErr error
	var wg sync.WaitGroup
	wg.Go(func() { out.directive, dockerfile, dockerfileErr = readDirective(ctx, ui) })
	wg.Go(func() { out.file, file, fileErr = readSettingsFile(ctx, out.context) })
	wg.Wait()
	if dockerfileErr != nil {
		return places{}, dockerfileErr
	}
	out.sources = []source{dockerfile, file}
	return out, fileErr
}

// readSettingsFile reads the settings' file of a context, if it has one.
func readSettingsFile(ctx context.Context, files *contextFiles) (settings.Layer, source, error) {
	const name = settings.FileName
	found, err := files.read(ctx, settings.MaxFileSize, name)
	if err != nil {
		return settings.Layer{}, source{}, contextError(name, err)
	}
	dt, ok := found[name]
	if !ok {
		return settings.Layer{}, source{}, nil
	}
	src := source{name: name, language: "YAML", data: dt}
	layer, err := settings.ParseFile(name, dt)
	if err != nil {
		err = settingsError(err, src)
	}
	return layer, src, err
}

// scannerFlags are the settings as the scanner's command line takes them, with
// the places that they came from. What nobody set is the scanner's own default.
func (c config) scannerFlags(t target) []string {
	flags := []string{"--platform=" + t.platform}
	if c.target != "" {
		flags = append(flags, "--target="+c.target)
	}
	if t.stage != "" {
		flags = append(flags, "--stage="+t.stage)
	}
	if c.listPackages() {
		flags = append(flags, "--full-output")
	}
	values := c.Policy.Values()
	for _, key := range policy.Keys() {
		if v := values[key]; v.From != policy.OriginDefault {
			flags = append(flags, "--"+key+"="+v.Value, "--origin="+key+"="+v.From)
		}
	}
	return flags
}

// cacheKeys are the values of llbgen.Scan.ID and Day. A scan that is only
// repeated on a change has no ID; it is repeated each day if its answer depends
// on the date, because a release comes to its end of life, an ignored finding
// counts again some day, or a database gets too old.
func (c config) cacheKeys(id string, now time.Time) (scanID, day string) {
	if c.Rescan == settings.RescanAlways {
		return id, ""
	}
	timed := c.Policy.MaxDBAge != 0 || c.Policy.OnUnsupported == policy.Fail
	for _, s := range c.Ignore {
		timed = timed || s.Expires != ""
	}
	if timed {
		day = now.UTC().Format(time.DateOnly)
	}
	return "", day
}

// outdated reports whether a report that comes from the cache passes only
// because its database was younger then: max-db-age can end within a day.
func (c config) outdated(r *report.Report, now time.Time) bool {
	if c.Rescan == settings.RescanAlways || c.Server != "" || c.Policy.MaxDBAge == 0 || !r.Verdict.Pass {
		return false
	}
	return r.Assessment.Database.Age+now.Sub(time.Unix(r.ScanStarted.Seconds, 0)) > c.Policy.MaxDBAge
}

// notices says which entries of the ignore lists have expired, or will soon. The
// reports have more: that an entry matches nothing is news of one image, and no
// warning where many share a list.
func (c config) notices(now time.Time) []string {
	var out []string
	for i := range c.Ignore {
		text := c.Ignore[i].Notice(now)
		if text == "" {
			continue
		}
		if len(out) == maxWarnings {
			return append(out, "more entries of the ignore lists have expired, or expire soon; docker buildx build --call=scan lists them")
		}
		out = append(out, report.Printable(text))
	}
	return out
}

// describe notes in a report's policy the settings that the scanner does not
// know. A service may have left the policy out.
func (c config) describe(r *report.Report) {
	if r.Policy == nil {
		r.Policy = map[string]policy.Value{}
	}
	for key, v := range c.Values() {
		if _, ok := r.Policy[key]; !ok {
			r.Policy[key] = v
		}
	}
}
