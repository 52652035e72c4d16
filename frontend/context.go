package frontend

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc/codes"
)

// The options of a build that say where its context is.
const (
	optContextKey     = "contextkey" // name of the option that names the context
	optLocalSessionID = "local-sessionid:"
)

// contextFiles reads single files of the build context, in whichever form it
// comes. Of a local directory nothing else is transferred, and none of it is
// seen by the build: neither .dockerignore nor the cache of the context's own
// transfer plays a part.
type contextFiles struct {
	ui   *dockerui.Client
	opts map[string]string
}

// read returns the files among names that the context has. A name is a path
// below the context's root, slash-separated and clean. A file larger than max
// bytes is an error. A build without any context has no files.
func (f *contextFiles) read(ctx context.Context, max int64, names ...string) (map[string][]byte, error) {
	remote, err := f.remote(ctx)
	if err != nil {
		return nil, err
	}
	ref, err := f.solve(ctx, remote, names)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, name := range names {
		switch found, err := exists(ctx, ref, name); { // loads the context
		case !remote && noContext(err):
			return nil, nil
		case err != nil:
			return nil, err
		case !found:
			continue
		}
		st, err := ref.StatFile(ctx, client.StatRequest{Path: name})
		if err != nil {
			return nil, err
		}
		if st.Size > max {
			return nil, fmt.Errorf("%s is larger than %d MiB", name, max>>20)
		}
		if out[name], err = readFile(ctx, ref, name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// solve returns the context, of a local one only the named files. It may be
// loaded no sooner than something is read from it.
func (f *contextFiles) solve(ctx context.Context, remote bool, names []string) (client.Reference, error) {
	st := f.local(names)
	if remote {
		var err error
		if st, err = f.ui.MainContext(ctx); err != nil {
			return nil, err
		}
	}
	def, err := st.Marshal(ctx, llb.WithCaps(f.ui.BuildOpts().LLBCaps))
	if err != nil {
		return nil, fmt.Errorf("load files of the build context: %w", err)
	}
	res, err := f.ui.GatewayClient().Solve(ctx, client.SolveRequest{Definition: def.ToPB()})
	if err != nil {
		return nil, err
	}
	return res.SingleRef()
}

// noContext recognises the error of a client that has no local context: it
// offers the directory of the Dockerfile and no other, or none at all.
func noContext(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	return grpcerrors.Code(err) == codes.NotFound && strings.Contains(text, "no access allowed to dir") ||
		strings.Contains(text, "no local sources enabled") // BuildKit gives it no code
}

// remote reports whether the context is anything but a directory of the
// client's: dockerui.Client.MainContext knows as well, but loads a local
// context's .dockerignore first.
func (f *contextFiles) remote(ctx context.Context) (bool, error) {
	name := cmp.Or(f.opts[optContextKey], dockerui.DefaultLocalNameContext)
	if _, isGit, err := dockerui.DetectGitContext(f.opts[name], nil); isGit {
		return true, err
	}
	if _, _, isHTTP := dockerui.DetectHTTPContext(f.opts[name]); isHTTP {
		return true, nil
	}
	caps := f.ui.BuildOpts().Caps
	if caps.Supports(gwpb.CapFrontendInputs) != nil {
		return false, nil
	}
	inputs, err := f.ui.GatewayClient().Inputs(ctx)
	if err != nil {
		return false, fmt.Errorf("read the inputs of the build: %w", err)
	}
	_, isInput := inputs[dockerui.DefaultLocalNameContext]
	return isInput, nil
}

// local is the client's directory with the named files alone. It has a cache
// key of its own, for the context itself is transferred under another one.
func (f *contextFiles) local(names []string) *llb.State {
	const name = dockerui.DefaultLocalNameContext
	st := llb.Local(name,
		llb.SessionID(cmp.Or(f.opts[optLocalSessionID+name], f.ui.BuildOpts().SessionID)),
		llb.FollowPaths(names),
		llb.SharedKeyHint(name+"-"+path.Base(names[0])),
		llb.WithCustomName("[microscanner] load "+strings.Join(names, ", ")),
		llb.Differ(llb.DiffNone, false),
	)
	return &st
}

// exists looks a file up in its directory: reading one that is not there gives
// an error that cannot be told from others.
func exists(ctx context.Context, ref client.Reference, name string) (bool, error) {
	dir, base := path.Split(name)
	if dir != "" {
		if found, err := exists(ctx, ref, path.Clean(dir)); !found || err != nil {
			return false, err
		}
	}
	entries, err := ref.ReadDir(ctx, client.ReadDirRequest{Path: path.Join("/", dir), IncludePattern: base})
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if e.Path == base {
			return true, nil
		}
	}
	return false, nil
}

// contextError says that a file of the build context cannot be used.
func contextError(name string, err error) error {
	return &buildError{fmt.Sprintf("microscanner: error: %s cannot be read from the build context", name), err}
}
