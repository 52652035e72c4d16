module github.com/example/microscanner-frontend/hack/tools/lint

go 1.26.8
