// Package run starts and stops the parts of a program in order.
package run
