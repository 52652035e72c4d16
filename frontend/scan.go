package frontend

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	fstypes "github.com/tonistiigi/fsutil/types"
	"golang.org/x/sync/errgroup"

	"github.com/example/microscanner-frontend/llbgen"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/settings"
)

// currentFrontender is the part of the gateway's client that knows the image
// that this program runs from.
type currentFrontender interface {
	CurrentFrontend() (*llb.State, error)
}

// target is one rootfs to scan.
type target struct {
	platform string // "linux/amd64"
	// stage is the stage of the Dockerfile that the rootfs is the result of, if
	// it is not that of the image; see the setting stages.
	stage string
	ref   client.Reference
}

// String names a target in texts such as "the rootfs of linux/amd64".
func (t target) String() string {
	if t.stage != "" {
		return "stage " + t.stage + ", " + t.platform
	}
	return t.platform
}

// outcome is the scan of one target.
type outcome struct {
	target
	report *report.Report
	// state holds the report, for the gate to read.
	state llb.State
	// vertex is the scan's operation, which warnings are attached to.
	vertex digest.Digest
	// sources are the Dockerfiles that the report names, by their names there.
	sources map[string]*pb.SourceInfo
	// unblamed says why the report names none.
	unblamed error
}

// stage holds what the scans of one build have in common.
type stage struct {
	client   client.Client
	scanner  llbgen.Scanner
	database *llb.State
	id       string
	cfg      config
	// opts are the options of the build without ours.
	opts map[string]string
}

// scanAll scans every rootfs of the result, all at once, and then the stages
// that the setting stages asks for.
func (s *stage) scanAll(ctx context.Context, res *client.Result) (outcomes, error) {
	targets, err := targetsOf(res)
	if err != nil {
		return nil, err
	}
	stages, err := s.stageTargets(ctx, targets)
	if err != nil {
		return nil, err
	}
	targets = append(targets, stages...)
	out := make(outcomes, len(targets))
	eg, ctx := errgroup.WithContext(ctx)
	for i, t := range targets {
		eg.Go(func() (err error) {
			out[i], err = s.scan(ctx, t)
			return err
		})
	}
	return out, eg.Wait()
}

// targetsOf lists every rootfs of a result, in the order of its platforms. A
// rootfs that the result's list of platforms does not name is an error: it
// would be exported without a scan.
func targetsOf(res *client.Result) ([]target, error) {
	ps, err := exptypes.ParsePlatforms(res.Metadata)
	if err != nil {
		return nil, fmt.Errorf("read the platforms of the build's result: %w", err)
	}
	var ids []string // a platform that was asked for twice is one image
	for _, p := range ps.Platforms {
		if !slices.Contains(ids, p.ID) {
			ids = append(ids, p.ID)
		}
	}
	if len(res.Refs) == 0 {
		if len(ids) != 1 {
			return nil, fmt.Errorf("the build's result names %d platforms but holds one rootfs; nothing was scanned", len(ids))
		}
		return []target{{platform: ids[0], ref: res.Ref}}, nil
	}
	if res.Ref != nil || len(ids) != len(res.Refs) {
		return nil, fmt.Errorf("the build's result names %d platforms but holds another number of root file systems; nothing was scanned", len(ids))
	}
	var out []target
	for _, id := range ids {
		ref, ok := res.Refs[id]
		if !ok {
			return nil, fmt.Errorf("the build's result has no rootfs for its platform %s; nothing was scanned", id)
		}
		out = append(out, target{platform: id, ref: ref})
	}
	return out, nil
}

func newStage(ctx context.Context, c client.Client, cfg config, opts map[string]string) (*stage, error) {
	scanner, err := currentScanner(c)
	if err != nil {
		return nil, err
	}
	database, err := databaseState(ctx, c, cfg, scanner.Platform)
	if err != nil {
		return nil, err
	}
	return &stage{client: c, scanner: scanner, database: database, id: rand.Text(), cfg: cfg, opts: opts}, nil
}

// currentScanner is the image that this program runs from, as BuildKit hands
// it over: pinned by digest, on the build's own platform.
func currentScanner(c client.Client) (llbgen.Scanner, error) {
	f, ok := c.(currentFrontender)
	if !ok {
		return llbgen.Scanner{}, errNoCurrentFrontend
	}
	image, err := f.CurrentFrontend()
	if err != nil {
		return llbgen.Scanner{}, fmt.Errorf("read the definition of the frontend's own image: %w", err)
	}
	if image == nil {
		return llbgen.Scanner{}, errNoCurrentFrontend
	}
	platform := platforms.Normalize(platforms.DefaultSpec())
	if workers := c.BuildOpts().Workers; len(workers) > 0 && len(workers[0].Platforms) > 0 {
		platform = platforms.Normalize(workers[0].Platforms[0])
	}
	return llbgen.Scanner{Image: *image, Platform: platform}, nil
}

// databaseState is the database that the setting db names: a named context of
// the build, else an image. It is nil where db is not set.
func databaseState(ctx context.Context, c client.Client, cfg config, p ocispecs.Platform) (*llb.State, error) {
	name := cfg.Database
	if name == "" {
		return nil, nil
	}
	mode := c.BuildOpts().Opts[optResolveMode]
	if cfg.fixedDB {
		mode = "" // no build says where the image is looked for, nor what stands for it
	} else if st, err := namedDatabase(ctx, c, name, p); st != nil || err != nil {
		return st, err
	}
	ref, err := imageReference(name)
	if err != nil {
		return nil, badDatabase(name, err)
	}
	// By digest, so that the scans of all platforms read the same database.
	ref, _, _, err = c.ResolveImageConfig(ctx, ref, sourceresolver.Opt{
		LogName:  "[microscanner] find the advisory database " + name,
		ImageOpt: &sourceresolver.ResolveImageOpt{Platform: &p, ResolveMode: mode},
	})
	if err != nil {
		return nil, noDatabase(name, err)
	}
	st := llb.Image(ref, llb.Platform(p), llb.WithCustomName("[microscanner] load the advisory database "+name))
	return &st, nil
}

// namedDatabase is the named context of a build by this name; nil if there is none.
func namedDatabase(ctx context.Context, c client.Client, name string, p ocispecs.Platform) (*llb.State, error) {
	ui, err := dockerui.NewClient(c)
	if err != nil {
		return nil, fmt.Errorf("read the build's options: %w", err)
	}
	// A database is taken whole, whatever a .dockerignore beside it says.
	named, err := ui.NamedContext(name, dockerui.ContextOpt{NoDockerignore: true, Platform: &p})
	if err != nil {
		return nil, badDatabase(name, err)
	}
	if named == nil {
		return nil, nil
	}
	st, _, err := named.Load(ctx)
	if err != nil {
		return nil, noDatabase(name, err)
	}
	return st, nil
}

// scan reads one rootfs. The errors of the user's own steps come back as they
// are; those of the scan say that they are the scan's.
func (s *stage) scan(ctx context.Context, t target) (outcome, error) {
	rootfs := llb.Scratch()
	if t.ref != nil {
		// First the user's own steps, in the user's own solve: it alone knows
		// of the caches that the build imports.
		if err := t.ref.Evaluate(ctx); err != nil {
			return outcome{}, err
		}
		var err error
		if rootfs, err = t.ref.ToState(); err != nil {
			return outcome{}, scanError(t, fmt.Errorf("read the definition of the rootfs: %w", err))
		}
	}
	if s.nothingToScan(ctx, t.ref, rootfs) {
		return outcome{target: t, report: &report.Report{Verdict: policy.Verdict{Pass: true}}}, nil
	}
	id, day := s.cfg.cacheKeys(s.id, time.Now())
	o, err := s.judge(ctx, t, rootfs, id, day)
	if err == nil && s.cfg.outdated(o.report, time.Now()) {
		id = s.id
		o, err = s.judge(ctx, t, rootfs, id, "")
	}
	if err != nil {
		return outcome{}, scanError(t, err)
	}
	o = s.blame(ctx, o, rootfs, id)
	s.cfg.describe(o.report)
	return o, nil
}

// judge has the report of a rootfs made, and reads it. id and day are those of
// config.cacheKeys.
func (s *stage) judge(ctx context.Context, t target, rootfs llb.State, id, day string) (outcome, error) {
	state := s.reportState(t, rootfs, id, day)
	ref, vertex, err := solve(ctx, s.client, state)
	if err != nil {
		return outcome{}, err
	}
	r, err := s.readReport(ctx, ref)
	return outcome{target: t, report: r, state: state, vertex: vertex}, err
}

// nothingToScan reports whether a rootfs has none of the directories that say
// what it is and hold its package databases: an image of one static binary, say.
// Such a rootfs passes without a stage, unless somebody wants to read that it
// has no packages, have it attested, or set on-no-packages to refuse it. What an
// image went into is not even looked at: it has them, and the look takes time.
func (s *stage) nothingToScan(ctx context.Context, ref client.Reference, rootfs llb.State) bool {
	if s.cfg.request != requestImage || s.cfg.Attest || s.cfg.Result == settings.ResultReport || s.cfg.Policy.OnNoPackages != policy.Warn {
		return false
	}
	if ref == nil {
		return true
	}
	if def, err := rootfs.Marshal(ctx); err != nil || llbgen.HasImage(def.ToPB()) {
		return false
	}
	entries, err := ref.ReadDir(ctx, client.ReadDirRequest{Path: "/"})
	if err != nil {
		return false // the scan will say what is wrong
	}
	return !slices.ContainsFunc(entries, func(e *fstypes.Stat) bool {
		return slices.Contains(systemDirs(), e.Path)
	})
}

// systemDirs are the directories at the top of a rootfs that all release files
// and package databases are below.
func systemDirs() []string { return []string{"etc", "lib", "nix", "usr", "var"} }

// solve runs a state and returns it with the digest of its last operation.
func solve(ctx context.Context, c client.Client, state llb.State) (client.Reference, digest.Digest, error) {
	def, err := state.Marshal(ctx, llb.WithCaps(c.BuildOpts().LLBCaps))
	if err != nil {
		return nil, "", fmt.Errorf("this BuildKit lacks something that a scan needs: %w", err)
	}
	vertex, err := def.Head()
	if err != nil {
		return nil, "", fmt.Errorf("read the scan's definition: %w", err)
	}
	req := def.ToPB()
	llbgen.KeepResults(req)
	res, err := c.Solve(ctx, client.SolveRequest{Definition: req, Evaluate: true})
	if err != nil {
		return nil, vertex, err
	}
	ref, err := res.SingleRef()
	return ref, vertex, err
}

// A message of BuildKit's holds at most 16 MiB. A report is far smaller, but
// for the worst of images.
const readChunk = 4 << 20

// readFile reads a file of any size up to report.MaxSize, in one call if it is small.
func readFile(ctx context.Context, ref client.Reference, name string) ([]byte, error) {
	var all []byte
	for {
		dt, err := ref.ReadFile(ctx, client.ReadRequest{
			Filename: name,
			Range:    &client.FileRange{Offset: len(all), Length: readChunk},
		})
		if err != nil {
			return nil, err
		}
		all = append(all, dt...)
		if len(dt) < readChunk {
			return all, nil
		}
		if len(all) > report.MaxSize {
			return nil, fmt.Errorf("%s is larger than %d MiB", name, report.MaxSize>>20)
		}
	}
}
