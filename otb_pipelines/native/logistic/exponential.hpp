#pragma once

namespace logistic {

// The exponential and the natural logarithm, with the same bits on every processor. Those of the C library
// use other instructions, which round otherwise, where the processor has them. The error is a few units of
// the last of 53 bits.

// `power` is at most 0. Below -700 the result is 0.
double exponential(double power);

// `number` is positive and finite.
double logarithm(double number);

}  // namespace logistic
