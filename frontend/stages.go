package frontend

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"golang.org/x/sync/errgroup"

	"github.com/example/microscanner-frontend/llbgen"
	"github.com/example/microscanner-frontend/scanner/settings"
)

// builderStages finds the root file systems of stages of the Dockerfile that
// are not exported.
type builderStages struct {
	*stage
	file *dockerfile
	// images are the targets that are exported, one a platform, and reached the
	// stages that each was made from, by their index in the file.
	images  []target
	reached []map[int]*pb.Definition
	// built are stages that no image was made from, by their index.
	built map[int][]target
}

// stageTargets lists the stages that the setting stages asks for, in the order
// of the Dockerfile, each for every platform. Those that the images were made
// from are taken out of the images' own definitions: nothing is built for them.
func (s *stage) stageTargets(ctx context.Context, images []target) ([]target, error) {
	if !s.cfg.Stages.All && len(s.cfg.Stages.Names) == 0 {
		return nil, nil
	}
	b := &builderStages{
		stage:   s,
		file:    parseDockerfile(&pb.SourceInfo{Language: languageDockerfile, Data: s.cfg.dockerfile}),
		images:  images,
		reached: make([]map[int]*pb.Definition, len(images)),
		built:   map[int][]target{},
	}
	indexes, err := b.named()
	if err != nil {
		return nil, err
	}
	if err := b.reach(ctx); err != nil {
		return nil, err
	}
	if s.cfg.Stages.All {
		indexes = b.all()
	}
	var out []target
	for _, i := range indexes {
		ts, err := b.targets(ctx, i)
		if err != nil {
			return nil, err
		}
		out = append(out, ts...)
	}
	return out, nil
}

// named are the indexes of the stages that were asked for by name or number,
// without the one that is exported anyway.
func (b *builderStages) named() ([]int, error) {
	var out []int
	for _, name := range b.cfg.Stages.Names {
		i := b.file.find(name)
		if i < 0 {
			return nil, fmt.Errorf("microscanner: error: the Dockerfile has no stage %q (setting %s, %s); %s",
				name, settings.KeyStages, b.cfg.Place(settings.KeyStages).Text, b.file.list())
		}
		if i != b.exported() && !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return out, nil
}

// exported is the stage that the build exports.
func (b *builderStages) exported() int {
	if b.cfg.target == "" {
		return len(b.file.stages) - 1
	}
	return b.file.find(b.cfg.target)
}

// all are the stages that any of the images was made from.
func (b *builderStages) all() []int {
	found := map[int]bool{}
	for _, reached := range b.reached {
		for i := range reached {
			found[i] = true
		}
	}
	delete(found, b.exported())
	return slices.Sorted(maps.Keys(found))
}

// reach waits for the images and finds the stages that they were made from.
// Before that nothing else may be built, lest a step that is not in the cache
// runs once for the image and once for a stage.
func (b *builderStages) reach(ctx context.Context) error {
	eg, ctx := errgroup.WithContext(ctx)
	for n, t := range b.images {
		if t.ref == nil {
			continue
		}
		eg.Go(func() error {
			if err := t.ref.Evaluate(ctx); err != nil {
				return err
			}
			st, err := t.ref.ToState()
			if err != nil {
				return scanError(t, fmt.Errorf("read the definition of the rootfs: %w", err))
			}
			def, err := st.Marshal(ctx)
			if err != nil {
				return scanError(t, fmt.Errorf("read the definition of the rootfs: %w", err))
			}
			if b.reached[n], err = llbgen.Parts(def.ToPB(), b.stageOf); err != nil {
				return scanError(t, err)
			}
			return nil
		})
	}
	return eg.Wait()
}

// stageOf is the index of the stage that a location is in; -1 if it is in
// another file, as the named contexts of a bake file may be.
func (b *builderStages) stageOf(l llbgen.Location) int {
	line, _ := lines(l.Ranges)
	if line <= 0 || !bytes.Equal(l.Source.Data, b.cfg.dockerfile) {
		return -1
	}
	return b.file.stageAt(line)
}

// targets are the root file systems of one stage, one a platform.
func (b *builderStages) targets(ctx context.Context, i int) ([]target, error) {
	var out []target
	for n, image := range b.images {
		def := b.definition(n, i)
		switch {
		case def != nil:
			ref, err := b.solve(ctx, def)
			if err != nil {
				return nil, err
			}
			out = append(out, target{platform: image.platform, stage: b.file.shown(i), ref: ref})
		case !b.cfg.Stages.All:
			t, err := b.build(ctx, i, image.platform)
			if err != nil {
				return nil, err
			}
			out = append(out, t)
		}
	}
	return out, nil
}

// definition is the definition of a stage that the n-th image was made from;
// else nil. A stage without steps is the one that it is made from.
func (b *builderStages) definition(n, i int) *pb.Definition {
	for ; i >= 0; i = b.file.stages[i].base {
		if def := b.reached[n][i]; def != nil || !b.file.bare(i) {
			return def
		}
	}
	return nil
}

// solve asks for what a definition is. It knows the caches that the build
// imports, as the definition's steps may be nowhere else.
func (b *builderStages) solve(ctx context.Context, def *pb.Definition) (client.Reference, error) {
	ui, err := dockerui.NewClient(&buildClient{Client: b.client, opts: b.opts})
	if err != nil {
		return nil, fmt.Errorf("read the build's options: %w", err)
	}
	res, err := b.client.Solve(ctx, client.SolveRequest{Definition: def, CacheImports: ui.CacheImports})
	if err != nil {
		return nil, err
	}
	return res.SingleRef()
}

// build builds a stage that an image was not made from, for all platforms at
// once, and returns the target of one.
func (b *builderStages) build(ctx context.Context, i int, platform string) (target, error) {
	if _, ok := b.built[i]; !ok {
		name := b.file.stages[i].given
		if name == "" {
			return target{}, fmt.Errorf("microscanner: error: stage %d (setting %s) has no name and the image is not made from it, so it cannot be built: write FROM … AS a-name", i, settings.KeyStages)
		}
		opts := maps.Clone(b.opts)
		maps.DeleteFunc(opts, func(opt, _ string) bool { return strings.HasPrefix(opt, optAttest) })
		opts[optTarget] = name
		res, err := (&buildClient{Client: b.client, opts: opts, quiet: true}).build(ctx, b.cfg.Frontend)
		if err != nil {
			return target{}, err
		}
		if b.built[i], err = targetsOf(res); err != nil {
			return target{}, err
		}
	}
	for _, t := range b.built[i] {
		if t.platform == platform {
			t.stage = b.file.shown(i)
			return t, nil
		}
	}
	return target{}, fmt.Errorf("microscanner: error: the build of stage %s has no rootfs for the platform %s; nothing was scanned", b.file.shown(i), platform)
}

// find is the index of a stage by name or number; -1 if there is none. Of
// several of one name it is the last, as in BuildKit.
func (d *dockerfile) find(name string) int {
	for i, s := range slices.Backward(d.stages) {
		if s.given != "" && strings.EqualFold(s.given, name) {
			return i
		}
	}
	if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(d.stages) {
		return i
	}
	return slices.IndexFunc(d.stages, func(s buildStage) bool { return s.name != "" && strings.EqualFold(s.name, name) })
}

// shown is how a stage is called in reports: by its name, or "stage-0".
func (d *dockerfile) shown(i int) string {
	if d.stages[i].name == "" { // the only one
		return "stage-0"
	}
	return d.stages[i].name
}

// bare reports whether a stage has no instruction that changes its files.
func (d *dockerfile) bare(i int) bool {
	return !slices.ContainsFunc(d.instructions, func(in instruction) bool {
		word, _, _ := strings.Cut(in.text, " ")
		return in.stage == i && slices.Contains([]string{"ADD", "COPY", "RUN", "WORKDIR"}, strings.ToUpper(word))
	})
}

// list says which stages there are.
func (d *dockerfile) list() string {
	if len(d.stages) == 0 {
		return "it has none"
	}
	var names []string
	for i, s := range d.stages {
		if s.given == "" {
			s.given = strconv.Itoa(i)
		}
		names = append(names, s.given)
	}
	return "its stages are " + strings.Join(names, ", ")
}
