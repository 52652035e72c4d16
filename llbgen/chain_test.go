package llbgen_test

import (
	"context"
	"slices"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/llbgen"
)

const baseDigest = "sha256:4444444444444444444444444444444444444444444444444444444444444444"

// sourceMap is a Dockerfile of some lines.
func sourceMap(language string) *llb.SourceMap {
	return llb.NewSourceMap(nil, "Dockerfile", language, []byte("FROM base\nRUN one\nRUN two\n"))
}

// at is the place and the name of an operation.
func at(sm *llb.SourceMap, line int32, name string) llb.ConstraintsOpt {
	place := sm.Location([]*pb.Range{{Start: &pb.Position{Line: line}, End: &pb.Position{Line: line}}})
	return constraints{place, llb.WithCustomName(name)}
}

// constraints joins options.
type constraints []llb.ConstraintsOpt

func (c constraints) SetConstraintsOption(x *llb.Constraints) {
	for _, o := range c {
		o.SetConstraintsOption(x)
	}
}
func (c constraints) SetRunOption(ei *llb.ExecInfo)    { c.SetConstraintsOption(&ei.Constraints) }
func (c constraints) SetLocalOption(li *llb.LocalInfo) { c.SetConstraintsOption(&li.Constraints) }
func (c constraints) SetImageOption(ii *llb.ImageInfo) { c.SetConstraintsOption(&ii.Constraints) }
func (c constraints) SetGitOption(gi *llb.GitInfo)     { c.SetConstraintsOption(&gi.Constraints) }
func (c constraints) SetHTTPOption(hi *llb.HTTPInfo)   { c.SetConstraintsOption(&hi.Constraints) }
func (c constraints) SetOCILayoutOption(o *llb.OCILayoutInfo) {
	c.SetConstraintsOption(&o.Constraints)
}
func (c constraints) SetHTTPSOption(hi *llb.HTTPInfo) { c.SetConstraintsOption(&hi.Constraints) }
func (c constraints) SetImageBlobOption(ii *llb.ImageBlobInfo) {
	c.SetConstraintsOption(&ii.Constraints)
}

// definition is what a result's ToState gives back: it went over the wire.
func definition(t testing.TB, st llb.State) *pb.Definition {
	t.Helper()
	def, err := st.Marshal(context.Background())
	require.NoError(t, err)
	op, err := llb.NewDefinitionOp(def.ToPB())
	require.NoError(t, err)
	again, err := llb.NewState(op).Marshal(context.Background())
	require.NoError(t, err)
	return again.ToPB()
}

func base() llb.State {
	return llb.Image("registry.example/base:1@"+baseDigest, at(sourceMap("Dockerfile"), 1, "base").(llb.ImageOption))
}

// names are the names of the steps' operations, and the heads of their states.
func names(steps []llbgen.Step) []string {
	var out []string
	for _, s := range steps {
		out = append(out, s.Name)
	}
	return out
}

func TestChain(t *testing.T) {
	sm := sourceMap("Dockerfile")
	run := func(st llb.State, line int32, name string) llb.State {
		return st.Run(llb.Shlex(name), at(sm, line, name).(llb.RunOption)).Root()
	}
	layer := func(name string, from llb.State) llb.State {
		return llb.Scratch().File(llb.Copy(from, "/a", "/"+name), at(sm, 3, name))
	}
	other := llb.Image("registry.example/other:1")
	for _, tc := range []struct {
		name  string
		state llb.State
		want  []string
	}{
		{"base only", base(), []string{"base"}},
		{"runs", run(run(base(), 2, "one"), 3, "two"), []string{"base", "one", "two"}},
		{"a run on nothing", run(llb.Scratch(), 2, "one"), []string{"one"}},
		{"copies on nothing", layer("x", other).File(llb.Copy(other, "/b", "/b"), at(sm, 2, "copy")), []string{"x", "copy"}},
		{"a directory is no step", base().File(llb.Mkdir("/app", 0o755), at(sm, 2, "workdir")), []string{"base"}},
		{"a file is", base().File(llb.Mkdir("/app", 0o755).Mkfile("/app/x", 0o644, nil), at(sm, 2, "file")), []string{"base", "file"}},
		{"removal is", base().File(llb.Rm("/x"), at(sm, 2, "rm")), []string{"base", "rm"}},
		{"another mount's output", base().Run(llb.Shlex("x"), at(sm, 2, "one").(llb.RunOption)).AddMount("/out", run(other, 3, "two")), []string{"", "two", "one"}},
		{"merge", llb.Merge([]llb.State{run(base(), 2, "one"), layer("link", other)}, at(sm, 3, "merge")), []string{"base", "one", "link"}},
		{"merge of many", llb.Merge([]llb.State{base(), layer("a", other), layer("b", other), layer("c", other)}), []string{"base", "a", "b", "c"}},
		{"diff", run(llb.Diff(base(), run(base(), 2, "one"), at(sm, 2, "diff")), 3, "two"), []string{"diff", "two"}},
		{"a cache mount", base().Run(llb.Shlex("x"), llb.AddMount("/var/cache", other, llb.AsPersistentCacheDir("c", llb.CacheMountShared)),
			at(sm, 2, "one").(llb.RunOption)).Root(), []string{"base", "one"}},
		{"passed through", run(llb.NewPassthrough("x", []llb.PassthroughInput{{State: other}, {State: run(base(), 2, "one"), Output: true}}), 3, "two"), []string{"base", "one", "two"}},
		{"local", run(llb.Local("context", at(sm, 1, "local").(llb.LocalOption)), 2, "one"), []string{"local", "one"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			def := definition(t, tc.state)
			steps, err := llbgen.Chain(def)
			require.NoError(t, err)
			require.Equal(t, tc.want, names(steps))
			if tc.name != "a directory is no step" {
				var end pb.Op
				require.NoError(t, end.UnmarshalVT(def.Def[len(def.Def)-1]))
				require.Equal(t, end.Inputs[0].Digest, head(t, steps[len(steps)-1].State), "the last step's state is the rootfs itself")
			}
			for i, s := range steps {
				require.Equal(t, i == 0 && s.Name == "base", s.Image == "registry.example/base:1" && s.Digest == baseDigest, "%s", s.Name)
				if s.Name != "" {
					require.NotEmpty(t, s.Locations)
					require.Equal(t, "Dockerfile", s.Locations[0].Source.Filename)
				}
			}
		})
	}
}

// head is the digest of a state's last operation.
func head(t *testing.T, st llb.State) string {
	t.Helper()
	def, err := st.Marshal(context.Background())
	require.NoError(t, err)
	dgst, err := def.Head()
	require.NoError(t, err)
	return dgst.String()
}

// TestChainAddsNothing: the states between are the user's own operations, byte
// for byte, so that nothing of them runs again.
func TestChainAddsNothing(t *testing.T) {
	st := base()
	for _, name := range []string{"one", "two", "three"} {
		st = st.Run(llb.Shlex(name), llb.WithCustomName(name)).File(llb.Copy(llb.Local("context"), "/a", "/"+name), llb.WithCustomName("copy "+name))
	}
	st = llb.Merge([]llb.State{st, llb.Scratch().File(llb.Copy(llb.Local("context"), "/b", "/b"))})
	def := definition(t, st)
	steps, err := llbgen.Chain(def)
	require.NoError(t, err)
	require.Len(t, steps, 8)
	for _, s := range steps {
		got, err := s.State.Marshal(context.Background())
		require.NoError(t, err)
		for _, dt := range got.Def[:len(got.Def)-1] {
			require.True(t, slices.ContainsFunc(def.Def, func(own []byte) bool { return string(own) == string(dt) }))
		}
	}
}

func TestChainIsBounded(t *testing.T) {
	st := base()
	for range llbgen.MaxSteps + 1 {
		st = st.File(llb.Rm("/x"))
	}
	def, err := st.Marshal(context.Background())
	require.NoError(t, err)
	_, err = llbgen.Chain(def.ToPB())
	require.ErrorContains(t, err, "more than 1000 steps")
}

func TestChainOfBrokenDefinitions(t *testing.T) {
	marshal := func(ops ...*pb.Op) *pb.Definition {
		def := &pb.Definition{}
		var last string
		for _, op := range ops {
			for _, in := range op.Inputs {
				if in.Digest == "last" {
					in.Digest = last
				}
			}
			dt, err := op.MarshalVT()
			require.NoError(t, err)
			def.Def = append(def.Def, dt)
			last = digest.FromBytes(dt).String()
		}
		return def
	}
	source := &pb.Op{Op: &pb.Op_Source{Source: &pb.SourceOp{Identifier: "docker-image://x"}}}
	file := func(index int64, actions ...*pb.FileAction) *pb.Op {
		return &pb.Op{Inputs: []*pb.Input{{Digest: "last", Index: index}}, Op: &pb.Op_File{File: &pb.FileOp{Actions: actions}}}
	}
	end := func(index int64) *pb.Op { return &pb.Op{Inputs: []*pb.Input{{Digest: "last", Index: index}}} }
	for name, def := range map[string]*pb.Definition{
		"garbage":                {Def: [][]byte{{0xff, 0xff}}},
		"no end":                 marshal(source),
		"an input from nowhere":  marshal(&pb.Op{Inputs: []*pb.Input{{Digest: "sha256:none"}}}),
		"a negative output":      marshal(source, end(-1)),
		"a huge output":          marshal(source, end(1<<40)),
		"no such output":         marshal(source, file(0, &pb.FileAction{Output: 0}), end(7)),
		"no action":              marshal(source, file(0), end(0)),
		"an action of itself":    marshal(source, file(0, &pb.FileAction{Input: 1, Output: 0}), end(0)),
		"actions in a circle":    marshal(source, file(0, &pb.FileAction{Input: 2, Output: 0}, &pb.FileAction{Input: 1, Output: 1}), end(0)),
		"an action of no action": marshal(source, file(0, &pb.FileAction{Input: 9, Output: 0}), end(0)),
		"an exec without mounts": marshal(source, &pb.Op{Inputs: []*pb.Input{{Digest: "last"}}, Op: &pb.Op_Exec{Exec: &pb.ExecOp{}}}, end(0)),
		"an exec of no input":    marshal(source, &pb.Op{Inputs: []*pb.Input{{Digest: "last"}}, Op: &pb.Op_Exec{Exec: &pb.ExecOp{Mounts: []*pb.Mount{{Input: 5}}}}}, end(0)),
		"a merge of nothing":     marshal(source, &pb.Op{Inputs: []*pb.Input{{Digest: "last"}}, Op: &pb.Op_Merge{Merge: &pb.MergeOp{}}}, end(0)),
		"a merge of no input":    marshal(source, &pb.Op{Inputs: []*pb.Input{{Digest: "last"}}, Op: &pb.Op_Merge{Merge: &pb.MergeOp{Inputs: []*pb.MergeInput{{Input: 9}}}}}, end(0)),
	} {
		_, err := llbgen.Chain(def)
		require.ErrorContains(t, err, "broken", name)
	}
	for _, def := range []*pb.Definition{nil, {}} {
		steps, err := llbgen.Chain(def)
		require.NoError(t, err)
		require.Empty(t, steps)
	}
}

// TestChainFollowsBuildKit: what its own solver takes, although no client of it
// writes such operations.
func TestChainFollowsBuildKit(t *testing.T) {
	dt, err := (&pb.Op{Op: &pb.Op_Source{Source: &pb.SourceOp{Identifier: "docker-image://x"}}}).MarshalVT()
	require.NoError(t, err)
	def := &pb.Definition{Def: [][]byte{dt}}
	add := func(op *pb.Op, index int64) {
		op.Inputs = []*pb.Input{{Digest: digest.FromBytes(def.Def[len(def.Def)-1]).String(), Index: index}}
		dt, err := op.MarshalVT()
		require.NoError(t, err)
		def.Def = append(def.Def, dt)
	}
	rm := &pb.FileAction_Rm{Rm: &pb.FileActionRm{Path: "/x"}}
	mkdir := &pb.FileAction_Mkdir{Mkdir: &pb.FileActionMkDir{Path: "/y"}}
	add(&pb.Op{Op: &pb.Op_File{File: &pb.FileOp{Actions: []*pb.FileAction{
		{Input: 2, SecondaryInput: -1, Output: 1, Action: mkdir}, // of the one behind it
		{Input: 0, SecondaryInput: -1, Output: 0, Action: rm},
	}}}}, 0)
	add(&pb.Op{}, 1)
	steps, err := llbgen.Chain(def)
	require.NoError(t, err)
	require.Len(t, steps, 2)
	require.Equal(t, "x", steps[0].Image)

	// Outputs go by the order of the mounts, whatever their numbers are.
	def.Def = def.Def[:1]
	add(&pb.Op{Op: &pb.Op_Exec{Exec: &pb.ExecOp{Mounts: []*pb.Mount{
		{Input: -1, Output: -1, Dest: "/tmp", MountType: pb.MountType_TMPFS},
		{Input: -1, Output: 0, Dest: "/empty", MountType: pb.MountType_CACHE},
		{Input: 0, Output: 0, Dest: "/cache", MountType: pb.MountType_CACHE},
		{Input: 0, Output: 1, Dest: "/"},
		{Input: -1, Output: 0, Dest: "/out"},
	}}}}, 0)
	for index, want := range []int{1, 2, 1} { // below the cache, the root and the other
		ended := &pb.Definition{Def: slices.Clone(def.Def)}
		end, err := (&pb.Op{Inputs: []*pb.Input{{Digest: digest.FromBytes(def.Def[1]).String(), Index: int64(index)}}}).MarshalVT()
		require.NoError(t, err)
		ended.Def = append(ended.Def, end)
		steps, err := llbgen.Chain(ended)
		require.NoError(t, err)
		require.Len(t, steps, want)
		require.Equal(t, index == 2, steps[0].Image == "")
	}
}

// TestChainOfLargeMerges: the inputs of an operation are looked at once, however
// often it names them.
func TestChainOfLargeMerges(t *testing.T) {
	source, err := (&pb.Op{Op: &pb.Op_Source{Source: &pb.SourceOp{Identifier: "docker-image://x"}}}).MarshalVT()
	require.NoError(t, err)
	chain := func(inputs, merged int) ([]llbgen.Step, error) {
		merge := &pb.Op{}
		for range inputs {
			merge.Inputs = append(merge.Inputs, &pb.Input{Digest: digest.FromBytes(source).String()})
		}
		list := &pb.MergeOp{}
		for i := range merged {
			list.Inputs = append(list.Inputs, &pb.MergeInput{Input: int64(i)})
		}
		merge.Op = &pb.Op_Merge{Merge: list}
		dt, err := merge.MarshalVT()
		require.NoError(t, err)
		end, err := (&pb.Op{Inputs: []*pb.Input{{Digest: digest.FromBytes(dt).String()}}}).MarshalVT()
		require.NoError(t, err)
		return llbgen.Chain(&pb.Definition{Def: [][]byte{source, dt, end}})
	}
	few, err := chain(20, 20)
	require.NoError(t, err)
	require.Len(t, few, 20)
	allocs := testing.AllocsPerRun(1, func() { _, err = chain(20_000, 20) })
	require.NoError(t, err)
	require.Less(t, allocs, 400_000.0)
	_, err = chain(2000, 2000)
	require.ErrorContains(t, err, "more than 1000 steps")
}

func TestChainIsTheSameEveryTime(t *testing.T) {
	st := llb.Merge([]llb.State{base().Run(llb.Shlex("one")).Root(), llb.Scratch().File(llb.Copy(llb.Local("context"), "/", "/"))})
	def := definition(t, st)
	var first [][]byte
	for range 50 {
		steps, err := llbgen.Chain(def)
		require.NoError(t, err)
		b := llbgen.Blame{Scanner: scanner(), Report: scan().State(), ID: "one", Flags: []string{"--step={}"}}
		for _, s := range steps {
			b.Rootfs = append(b.Rootfs, s.State)
		}
		got, err := b.State().Marshal(context.Background())
		require.NoError(t, err)
		if first == nil {
			first = got.Def
		}
		require.Equal(t, first, got.Def)
	}
}

// FuzzChain changes bytes of good definitions, and makes operations of garbage.
func FuzzChain(f *testing.F) {
	sm := sourceMap("Dockerfile")
	other := llb.Image("registry.example/other:1")
	for _, st := range []llb.State{
		base().Run(llb.Shlex("one")).File(llb.Mkdir("/app", 0o755).Copy(other, "/a", "/a"), at(sm, 2, "x")),
		llb.Merge([]llb.State{base(), llb.Scratch().File(llb.Copy(other, "/", "/")), other}),
		llb.Diff(base(), base().File(llb.Rm("/x"))),
	} {
		def, err := definition(f, st).MarshalVT()
		require.NoError(f, err)
		f.Add(def)
	}
	f.Fuzz(func(t *testing.T, dt []byte) {
		var def pb.Definition
		if err := def.UnmarshalVT(dt); err != nil {
			return
		}
		steps, err := llbgen.Chain(&def)
		if err == nil {
			require.LessOrEqual(t, len(steps), llbgen.MaxSteps)
		}
		relink(&def)
		steps, err = llbgen.Chain(&def)
		if err != nil {
			return
		}
		for _, s := range steps {
			_, _ = s.State.Marshal(context.Background()) // it must not panic
		}
	})
}

// relink makes the inputs of operations those before them, so that changed
// bytes do not always break the chain at its first link.
func relink(def *pb.Definition) {
	var before []string
	for i, dt := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(dt); err != nil {
			continue
		}
		for j, in := range op.Inputs {
			if len(before) > 0 {
				in.Digest = before[(len(before)-1+j)%len(before)]
			}
		}
		if changed, err := op.MarshalVT(); err == nil {
			def.Def[i] = changed
			before = append(before, digest.FromBytes(changed).String())
		}
	}
}
