//! Bar codes and QR codes as SVG, sized so that a thermal printer with 203 dpi draws each module in whole dots.

use crate::error::Error;
use barcoders::sym::{code128::Code128, ean8::EAN8, ean13::EAN13};
use maud::{Markup, html};
use qrcode::{Color, QrCode};
use std::fmt::{self, Write};

/// The quiet zones of bar codes, in modules: left and right. EAN-13 needs the widest one, Code 128 has ten.
const BAR_QUIET: usize = 11;
/// The quiet zone around a QR code, in modules.
const QR_QUIET: usize = 4;

/// A length in thousandths of a millimetre.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Microns(pub u32);

impl Microns {
    /// Two dots of a printer with 203 dpi.
    pub const TWO_DOTS: Self = Self(250);
    /// Three dots.
    pub const THREE_DOTS: Self = Self(375);
    /// Four dots.
    pub const FOUR_DOTS: Self = Self(500);
    /// Six dots.
    pub const SIX_DOTS: Self = Self(750);

    fn times(self, count: usize) -> Self {
        Self(
            self.0
                .saturating_mul(u32::try_from(count).unwrap_or(u32::MAX)),
        )
    }
}

/// As a length in CSS and SVG: `28.125mm`.
impl fmt::Display for Microns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}mm", self.0 / 1_000, self.0 % 1_000)
    }
}

/// A code as black and white modules.
pub struct Symbol {
    /// One row of bars, or the rows of a QR code, without quiet zones.
    rows: Vec<Vec<bool>>,
    /// Modules that stay white at the left and right, and above and below.
    quiet: (usize, usize),
}

impl Symbol {
    /// Draws an EAN-13 or EAN-8 number, or a UPC-A number as the EAN-13 that it is. Computes the last digit anew.
    pub fn ean(digits: &str) -> Result<Self, Error> {
        let bars = match digits.len() {
            8 => EAN8::new(&digits[..7]).map(|code| code.encode()),
            12 => EAN13::new(format!("0{}", &digits[..11])).map(|code| code.encode()),
            _ => EAN13::new(digits.get(..12).unwrap_or_default()).map(|code| code.encode()),
        };
        Self::of_bars(bars.map_err(|error| fault(&error))?)
    }

    /// Draws printable ASCII as Code 128, and pairs of digits in half the width.
    pub fn code128(text: &str) -> Result<Self, Error> {
        let is_number = text.len() >= 4 && text.bytes().all(|sign| sign.is_ascii_digit());
        // `Ć` and `Ɓ` begin the sets of pairs of digits and of single characters.
        let data = match (is_number, text.len() % 2) {
            (false, _) => format!("Ɓ{text}"),
            (true, 0) => format!("Ć{text}"),
            (true, _) => format!("Ć{}Ɓ{}", &text[..text.len() - 1], &text[text.len() - 1..]),
        };
        let code = Code128::new(data).map_err(|error| fault(&error))?;
        Self::of_bars(code.encode())
    }

    /// Draws a text as a QR code.
    pub fn qr(text: &str) -> Result<Self, Error> {
        let code = QrCode::new(text).map_err(|error| fault(&error))?;
        let modules: Vec<bool> = code
            .to_colors()
            .iter()
            .map(|color| *color == Color::Dark)
            .collect();
        Ok(Self {
            rows: modules.chunks(code.width()).map(<[bool]>::to_vec).collect(),
            quiet: (QR_QUIET, QR_QUIET),
        })
    }

    fn of_bars(bars: Vec<u8>) -> Result<Self, Error> {
        Ok(Self {
            rows: vec![bars.into_iter().map(|module| module == 1).collect()],
            quiet: (BAR_QUIET, 0),
        })
    }

    /// Returns the width with the quiet zones.
    pub fn width(&self, module: Microns) -> Microns {
        module.times(self.columns())
    }

    fn columns(&self) -> usize {
        self.rows.first().map_or(0, Vec::len) + 2 * self.quiet.0
    }

    /// Returns the largest of some modules with which the code is at most this wide.
    pub fn fitting(&self, modules: &[Microns], width: Microns) -> Option<Microns> {
        let fits = |module: &&Microns| self.width(**module) <= width;
        modules.iter().filter(fits).max().copied()
    }

    /// Draws the code with its quiet zones. `height` is that of bars; a QR code is as high as wide. `text` is what the
    /// code says.
    pub fn svg(&self, module: Microns, height: Option<Microns>, text: &str) -> Markup {
        let (left, above) = self.quiet;
        let (columns, rows) = (self.columns(), self.rows.len() + 2 * above);
        let mut path = String::new();
        for (y, row) in self.rows.iter().enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|one, next| one == next) {
                if run[0] {
                    let (x, y, wide) = (x + left, y + above, run.len());
                    // Writing to a String cannot fail.
                    let _ = write!(path, "M{x} {y}h{wide}v1h-{wide}z");
                }
                x += run.len();
            }
        }
        html! {
            svg xmlns="http://www.w3.org/2000/svg" class="symbol" width=(module.times(columns))
                height=(height.unwrap_or_else(|| module.times(rows))) viewBox={ "0 0 " (columns) " " (rows) }
                preserveAspectRatio="none" shape-rendering="crispEdges" role="img" aria-label=(text) {
                path d=(path);
            }
        }
    }
}

fn fault(error: &dyn fmt::Display) -> Error {
    tracing::error!(%error, "a code could not be drawn");
    Error::Internal
}
