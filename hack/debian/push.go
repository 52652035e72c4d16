package debian

import (
	"context"

	"github.com/example/microscanner-frontend/hack/harness"
)

// Push makes the variant's root file system if the cache lacks it, stores it
// as an image in the registry of env, and returns the image's reference.
func Push(ctx context.Context, env *harness.Env, v Variant, opts Options) (string, error) {
	tar, err := Rootfs(ctx, v, opts)
	if err != nil {
		return "", err
	}
	img, err := Image(tar)
	if err != nil {
		return "", err
	}
	ref := env.Ref(v.Name + ":latest")
	if err := env.Push(ctx, ref, img); err != nil {
		return "", err
	}
	return ref, nil
}
