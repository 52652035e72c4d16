#!/usr/bin/env bash
# buildx.sh - build through buildx's own builder in a cluster, which it starts
# in the namespace "build" of the current context of kubectl. SCAN_TOKEN holds
# the token of the service.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

frontend=registry.example.com/security/frontend:1
image=registry.example.com/shop/web:latest

if ! docker buildx inspect cluster >/dev/null 2>&1; then
	docker buildx create --name cluster --driver kubernetes \
		--driver-opt namespace=build,rootless=true,image=moby/buildkit:v0.33.1-rootless \
		--buildkitd-config buildkitd.toml --bootstrap
fi

docker buildx build --builder cluster \
	--build-arg BUILDKIT_SYNTAX="$frontend" \
	--build-arg MICROSCANNER_SERVER=https://scan.example.com \
	--secret id=token,env=SCAN_TOKEN \
	--tag "$image" --push "https://git.example.com/shop/web.git#main"
