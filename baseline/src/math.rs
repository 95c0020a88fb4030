//! Logarithm and exponential by fixed polynomials: IEEE add, multiply and divide only, so that every machine
//! gives the same bits. Tests hold them against `statrs` and `std` within 1e-12 relative.

const LN_2: f64 = std::f64::consts::LN_2;

/// Natural logarithm of a positive finite number; 0 and below give the logarithm of the least normal number.
pub fn ln(x: f64) -> f64 {
    let x = if x < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { x };
    let bits = x.to_bits();
    #[expect(clippy::cast_possible_wrap, reason = "the exponent has 11 bits")]
    let mut exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mut mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa /= 2.0;
        exponent += 1;
    }
    // ln m = 2 artanh((m-1)/(m+1)); |s| <= 0.1716, so s^21 is below 1e-16.
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let s2 = s * s;
    let mut sum = 1.0 / 21.0;
    for odd in [19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        sum = sum * s2 + 1.0 / odd;
    }
    #[expect(clippy::cast_precision_loss, reason = "an exponent fits f64")]
    let whole = exponent as f64;
    whole * LN_2 + 2.0 * s * sum
}

/// Exponential, saturating at the ends of the normal range.
pub fn exp(x: f64) -> f64 {
    if x > 709.0 {
        return f64::MAX;
    }
    if x < -708.0 {
        return 0.0;
    }
    let whole = (x / LN_2 + if x < 0.0 { -0.5 } else { 0.5 }).trunc();
    let rest = x - whole * LN_2;
    let mut sum = 1.0;
    for k in [14.0, 13.0, 12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0] {
        sum = 1.0 + sum * rest / k;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "|whole| < 1024")]
    let scale = f64::from_bits(((whole as i64 + 1023) as u64) << 52);
    sum * scale
}

/// Deviance of a negative binomial with mean `mu` and dispersion `r` at a count `c` above its mean, in nats:
/// c ln(c/mu) - (c+r) ln((c+r)/(mu+r)); 0 below the mean.
pub fn deviance(c: f64, mu: f64, r: f64) -> f64 {
    if c <= mu || mu <= 0.0 {
        return 0.0;
    }
    (c * ln(c / mu) - (c + r) * ln((c + r) / (mu + r))).max(0.0)
}

/// How far a count `c` lies above its mean, in nats: ln(1 + (c-mu)^2 / (mu + mu^2/r)), the logarithm of Chebyshev's bound
/// on the tail of any distribution with the variance of a negative binomial; 0 below the mean.
pub fn excess(c: f64, mu: f64, r: f64) -> f64 {
    if c <= mu || mu <= 0.0 {
        return 0.0;
    }
    let above = c - mu;
    ln(1.0 + above * above / (mu + mu * mu / r))
}

/// Two to the power of `x`.
pub fn exp2(x: f64) -> f64 {
    exp(x * LN_2)
}

/// What is left of one unit after `elapsed`, with half-life `half_life` (same unit).
pub fn decay(elapsed: f64, half_life: f64) -> f64 {
    if elapsed <= 0.0 { 1.0 } else { exp2(-elapsed / half_life) }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "the reference that the polynomials are held against"
)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ln_and_exp_agree_with_the_reference(x in 1e-300_f64..1e300, y in -700.0_f64..700.0) {
            prop_assert!((super::ln(x) - x.ln()).abs() <= 1e-12 * x.ln().abs().max(1.0));
            prop_assert!((super::exp(y) / y.exp() - 1.0).abs() <= 1e-11);
        }
    }

    #[test]
    fn deviance_is_zero_up_to_the_mean_and_grows_beyond() {
        assert!(super::deviance(3.0, 5.0, 1.0).abs() < 1e-12);
        assert!(super::deviance(50.0, 5.0, 1.0) > super::deviance(20.0, 5.0, 1.0));
    }

    #[test]
    fn excess_is_zero_up_to_the_mean_and_bounds_the_tail_beyond() {
        use statrs::distribution::{DiscreteCDF, NegativeBinomial};
        assert!(super::excess(3.0, 5.0, 1.0).abs() < 1e-12);
        let (mean, r) = (8.0, 2.0);
        let reference = NegativeBinomial::new(r, r / (r + mean)).expect("a distribution");
        for count in [20_u32, 40, 80, 160] {
            let tail = reference.sf(u64::from(count - 1));
            let bound = super::exp(-super::excess(f64::from(count), mean, r));
            assert!(tail <= bound, "{count}: {tail} beyond {bound}");
        }
    }

    #[test]
    fn tails_agree_with_statrs() {
        use statrs::distribution::{ContinuousCDF, Exp};
        let reference = Exp::new(1.0 / 1.2).expect("a rate above 0");
        for tenth in 0_u32..200 {
            let x = f64::from(tenth) / 10.0;
            let ours = super::exp(-x / 1.2);
            assert!((ours - reference.sf(x)).abs() < 1e-12, "{x}: {ours}");
        }
    }
}
