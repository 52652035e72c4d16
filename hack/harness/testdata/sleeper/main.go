// Command sleeper is the RUN step of a build that does not end by itself.
package main

import (
	"fmt"
	"time"
)

func main() {
	fmt.Println("the container runs")
	time.Sleep(10 * time.Minute)
}
