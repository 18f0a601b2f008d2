//! Codes in photos: what is read, what is refused, and where a photo leads.

use crate::tests::support::{Answer, App, Browser, apply, block_on, on_both_databases};
use crate::{
    auth::Role,
    error::{Error, Problem},
    scan::{
        own::{own_code_of_product, slip_code},
        photo,
    },
};
use axum::{
    body::{Body, Bytes},
    http::{Request, header},
};
use image::{
    DynamicImage, GrayImage, ImageFormat, Luma, codecs::jpeg::JpegEncoder, imageops::FilterType,
};
use rxing::{
    BarcodeFormat::{self, CODE_128, DATA_MATRIX, EAN_8, EAN_13, QR_CODE, UPC_A, UPC_E},
    MultiFormatWriter, Writer,
};
use std::{
    collections::BTreeSet,
    io::Cursor,
    time::{Duration, Instant},
};

/// The pixels in which photos are made. They are then enlarged to those of a phone.
const SIZE: [u32; 2] = [1_344, 1_008];
const ENLARGED: u32 = 3;

/// A label with a code.
struct Label {
    format: BarcodeFormat,
    text: String,
    /// Where its centre is, as shares of the width and the height.
    at: [f32; 2],
    /// The width of the narrowest bar, in pixels before the photo is enlarged.
    module: f32,
    /// In degrees.
    tilt: f32,
}

/// How a photo was taken.
#[derive(Clone, Copy)]
struct Light {
    /// The brightness of black and of white.
    black: f32,
    white: f32,
    /// How much darker the right edge is than the left one.
    shade: f32,
    /// The radius of the blur, in pixels.
    blur: f32,
    noise: f32,
}

const DAY: Light = Light {
    black: 30.0,
    white: 235.0,
    shade: 0.0,
    blur: 0.0,
    noise: 0.0,
};
const DIM: Light = Light {
    black: 15.0,
    white: 70.0,
    shade: 0.4,
    noise: 6.0,
    ..DAY
};
const SHADOW: Light = Light {
    shade: 0.7,
    noise: 8.0,
    ..DAY
};
const NOISY: Light = Light { noise: 30.0, ..DAY };
const PALE: Light = Light {
    black: 120.0,
    white: 190.0,
    ..DAY
};
const BLURRED: Light = Light { blur: 1.3, ..DAY };
const MORE_BLURRED: Light = Light { blur: 2.2, ..DAY };

/// Makes a label whose narrowest bars have this width in the photo, in pixels.
fn label(format: BarcodeFormat, text: &str, module: f32, tilt: f32) -> Label {
    Label {
        format,
        text: text.to_owned(),
        at: [0.5, 0.5],
        module: module / ENLARGED as f32,
        tilt,
    }
}

impl Label {
    const fn at(mut self, x: f32, y: f32) -> Self {
        self.at = [x, y];
        self
    }

    /// Sticks the label onto a picture, each pixel the mean of four points.
    fn stick(&self, onto: &mut GrayImage) {
        /// The white edge of a label, in modules.
        const EDGE: f32 = 6.0;
        /// The height of bars, in modules.
        const BARS: f32 = 45.0;
        let code = MultiFormatWriter
            .encode(&self.text, &self.format, 1, 1)
            .unwrap();
        let is_square = matches!(self.format, QR_CODE | DATA_MATRIX);
        let width = code.getWidth() as f32;
        let height = if is_square {
            code.getHeight() as f32
        } else {
            BARS
        };
        let is_black = |u: f32, v: f32| {
            let is_inside = u >= 0.0 && v >= 0.0 && u < width && v < height;
            is_inside && code.get(u as u32, if is_square { v as u32 } else { 0 })
        };
        let (sin, cos) = self.tilt.to_radians().sin_cos();
        let [x0, y0] = [0, 1].map(|axis| self.at[axis] * SIZE[axis] as f32);
        let reach = (width.hypot(height) / 2.0 + 2.0 * EDGE) * self.module;
        let range = |centre: f32, size: u32| {
            (centre - reach).max(0.0) as u32..((centre + reach) as u32).min(size)
        };
        for y in range(y0, SIZE[1]) {
            for x in range(x0, SIZE[0]) {
                let (mut sum, mut count) = (0.0, 0.0);
                for point in 0..4_u8 {
                    let dx = x as f32 + f32::from(point % 2) / 2.0 - x0;
                    let dy = y as f32 + f32::from(point / 2) / 2.0 - y0;
                    let u = (dx * cos + dy * sin) / self.module + width / 2.0;
                    let v = (dy * cos - dx * sin) / self.module + height / 2.0;
                    if u.min(v) >= -EDGE && u <= width + EDGE && v <= height + EDGE {
                        count += 1.0;
                        sum += if is_black(u, v) { 0.0 } else { 255.0 };
                    }
                }
                if count > 0.0 {
                    onto.put_pixel(x, y, Luma([(sum / count) as u8]));
                }
            }
        }
    }
}

/// Takes a photo of labels: a JPEG of twelve megapixels.
fn take(labels: &[Label], light: Light) -> Vec<u8> {
    let mut picture = GrayImage::from_pixel(SIZE[0], SIZE[1], Luma([110]));
    for label in labels {
        label.stick(&mut picture);
    }
    if light.blur > 0.0 {
        picture = DynamicImage::from(picture)
            .fast_blur(light.blur)
            .into_luma8();
    }
    let mut random = 1_u32;
    for (x, _, pixel) in picture.enumerate_pixels_mut() {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (random >> 8) as f32 / (1 << 23) as f32 - 1.0;
        let value = light.black + (light.white - light.black) * f32::from(pixel.0[0]) / 255.0;
        let shaded = value * (1.0 - light.shade * x as f32 / SIZE[0] as f32);
        pixel.0[0] = (shaded + noise * light.noise).clamp(0.0, 255.0) as u8;
    }
    let picture = DynamicImage::from(picture).resize_exact(
        SIZE[0] * ENLARGED,
        SIZE[1] * ENLARGED,
        FilterType::Triangle,
    );
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 80)
        .encode_image(&DynamicImage::from(picture.into_rgb8()))
        .unwrap();
    bytes
}

const EAN: &str = "4600051000057";
const OTHER_EAN: &str = "4006381333931";
const ORDER: &str = "https://shop.example/o/123456";
const MARK: &str = "0104600051000057";

/// Returns the labels and the light of twenty photos.
fn photos() -> Vec<(Vec<Label>, Light)> {
    let one = |format, text, module, tilt, light| (vec![label(format, text, module, tilt)], light);
    vec![
        one(EAN_13, EAN, 12.0, 0.0, DAY),
        one(EAN_13, EAN, 12.0, 25.0, DAY),
        one(EAN_13, OTHER_EAN, 10.0, 8.0, DIM),
        one(EAN_13, OTHER_EAN, 12.0, -5.0, BLURRED),
        one(EAN_13, OTHER_EAN, 12.0, 5.0, NOISY),
        one(EAN_8, "96385074", 14.0, -20.0, DAY),
        one(UPC_A, "036000291452", 12.0, 90.0, PALE),
        one(UPC_E, "01234565", 16.0, 10.0, SHADOW),
        one(CODE_128, "SIRIUS-12345", 10.0, 0.0, SHADOW),
        one(CODE_128, "SIRIUS-12345", 10.0, 25.0, DAY),
        one(CODE_128, "A-100500", 12.0, -12.0, BLURRED),
        one(QR_CODE, ORDER, 24.0, 0.0, DAY),
        one(QR_CODE, ORDER, 20.0, 25.0, DIM),
        one(QR_CODE, ORDER, 20.0, -15.0, MORE_BLURRED),
        one(QR_CODE, ORDER, 18.0, 40.0, NOISY),
        one(DATA_MATRIX, MARK, 28.0, 20.0, DAY),
        one(DATA_MATRIX, MARK, 28.0, -10.0, PALE),
        (
            vec![
                label(EAN_13, EAN, 10.0, 4.0).at(0.5, 0.25),
                label(EAN_13, OTHER_EAN, 10.0, -4.0).at(0.5, 0.75),
            ],
            DAY,
        ),
        (
            vec![
                label(EAN_13, EAN, 10.0, 5.0).at(0.3, 0.3),
                label(QR_CODE, ORDER, 18.0, 10.0).at(0.75, 0.7),
            ],
            SHADOW,
        ),
        (
            vec![
                label(EAN_13, EAN, 8.0, 0.0).at(0.2, 0.25),
                label(CODE_128, "A-100500", 8.0, 0.0).at(0.72, 0.25),
                label(QR_CODE, ORDER, 18.0, 0.0).at(0.5, 0.7),
            ],
            DAY,
        ),
    ]
}

/// Longer than a slow machine needs for a photo.
const LONG: Duration = Duration::from_secs(600);

async fn read(bytes: &[u8]) -> Result<Vec<String>, Error> {
    photo::read(Bytes::copy_from_slice(bytes)).await
}

fn wrong(problem: Problem) -> Result<Vec<String>, Error> {
    Err(Error::field(photo::FIELD, problem))
}

/// Returns the header of a PNG of these dimensions, and no pixels.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let body = [name, data].concat();
        let crc = body.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                (crc >> 1) ^ (0xEDB8_8320 * (crc & 1))
            })
        });
        let length = u32::try_from(data.len()).unwrap();
        [&length.to_be_bytes()[..], &body, &(!crc).to_be_bytes()[..]].concat()
    }
    let dimensions = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let header = [&dimensions[..], &[8, 2, 0, 0, 0]].concat();
    [
        &b"\x89PNG\r\n\x1a\n"[..],
        &chunk(b"IHDR", &header),
        &chunk(b"IDAT", &[]),
        &chunk(b"IEND", &[]),
    ]
    .concat()
}

/// Prints how long photos took. A bound would depend on the machine, and so would the time limit.
#[test]
fn at_least_18_of_20_photos_are_read_and_no_code_is_made_up() {
    let (mut times, mut missed) = (Vec::new(), Vec::new());
    for (index, (labels, light)) in photos().into_iter().enumerate() {
        let expected: BTreeSet<_> = labels.iter().map(|label| label.text.clone()).collect();
        let bytes = take(&labels, light);
        let begun = Instant::now();
        let codes = photo::codes(&bytes, begun + LONG).unwrap_or_default();
        times.push(begun.elapsed());
        let codes: BTreeSet<_> = codes.into_iter().collect();
        assert!(
            codes.is_subset(&expected),
            "photo {index}: {codes:?} instead of {expected:?}"
        );
        if codes != expected {
            missed.push(index);
        }
    }
    times.sort_unstable();
    let read = times.len() - missed.len();
    eprintln!(
        "{read} of {} photos read, median {:?}, slowest {:?}",
        times.len(),
        times[times.len() / 2],
        times.last()
    );
    assert!(read >= 18, "not read: {missed:?}");
}

#[test]
fn a_picture_that_declares_too_many_pixels_is_refused_before_it_is_decoded() {
    block_on(async {
        // Less time than the same program needs to decode one photo.
        let photo = take(&[], DAY);
        let begun = Instant::now();
        image::load_from_memory(&photo).unwrap();
        let decoding = begun.elapsed();
        let bomb = png_header(100_000, 100_000);
        let begun = Instant::now();
        assert_eq!(read(&bomb).await, wrong(Problem::PhotoTooLarge));
        let refusing = begun.elapsed();
        eprintln!("refused in {refusing:?}; decoding a photo takes {decoding:?}");
        assert!(refusing < decoding, "{refusing:?} {decoding:?}");
        // These dimensions are allowed, but there are no pixels.
        assert_eq!(read(&png_header(100, 100)).await, wrong(Problem::NotPhoto));
    });
}

#[test]
fn what_is_not_a_photo_is_refused_with_its_reason() {
    block_on(async {
        let mut gif = Cursor::new(Vec::new());
        gif.get_mut().extend_from_slice(b"GIF89a\x01\x00\x01\x00");
        let mut empty = Cursor::new(Vec::new());
        GrayImage::new(400, 300)
            .write_to(&mut empty, ImageFormat::Png)
            .unwrap();
        for (bytes, problem) in [
            (Vec::new(), Problem::Required),
            (b"product,qty\n".to_vec(), Problem::NotPhoto),
            (gif.into_inner(), Problem::NotPhoto),
            (b"\xff\xd8\xff\xe0broken".to_vec(), Problem::NotPhoto),
            (vec![0; photo::MAX_BYTES + 1], Problem::PhotoTooLarge),
            (empty.into_inner(), Problem::NoCode),
        ] {
            let length = bytes.len();
            assert_eq!(read(&bytes).await, wrong(problem), "{length} bytes");
        }
    });
}

#[test]
fn png_and_webp_are_read_too_and_photos_wait_for_each_other() {
    block_on(async {
        let jpeg = take(&[label(QR_CODE, ORDER, 20.0, 0.0)], DAY);
        let picture = image::load_from_memory(&jpeg).unwrap().thumbnail(800, 800);
        let encode = |format| {
            let mut bytes = Cursor::new(Vec::new());
            picture.write_to(&mut bytes, format).unwrap();
            bytes.into_inner()
        };
        let [png, webp] = [ImageFormat::Png, ImageFormat::WebP].map(encode);
        let all = futures::future::join_all([&jpeg, &png, &webp, &png].map(|bytes| read(bytes)));
        for codes in all.await {
            assert_eq!(codes.unwrap(), [ORDER]);
        }
    });
}

/// Sends the form of the page.
async fn send(browser: &mut Browser, photo: &[u8], screen: &str, site: &str) -> Answer {
    let mut body = format!(
        "--x\r\nContent-Disposition: form-data; name=\"screen\"\r\n\r\n{screen}\r\n\
         --x\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"photo.jpg\"\r\n\
         Content-Type: image/jpeg\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(photo);
    body.extend_from_slice(b"\r\n--x--\r\n");
    let request = Request::post("/scan")
        .header(header::ACCEPT, "text/html")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
        .header("sec-fetch-site", site)
        .body(Body::from(body))
        .unwrap();
    browser.send(request).await
}

#[apply(on_both_databases)]
async fn a_photo_leads_to_what_its_codes_belong_to(app: App) {
    let manager = app.create_account(app.manager()).await;
    let tea = manager.create_product("чай", 5).await;
    let order = manager.create_order("чай", 1).await.unwrap();
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let product = label(EAN_13, &own_code_of_product(tea.id), 10.0, 0.0).at(0.5, 0.25);
    let slip = label(CODE_128, &slip_code(order.id), 10.0, 0.0).at(0.5, 0.75);
    let own = "same-origin";

    let answer = send(&mut browser, &take(&[product], DAY), "", own).await;
    assert_eq!(
        (answer.status, answer.location),
        (303, Some(format!("/products/{}", tea.id)))
    );

    let product = label(EAN_13, &own_code_of_product(tea.id), 10.0, 0.0).at(0.5, 0.25);
    let both = take(&[product, slip], DAY);
    let answer = send(&mut browser, &both, "a<b", own).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    for expected in [
        &format!("href=\"/products/{}\">чай<", tea.id),
        &format!("href=\"/orders/{}\"", order.id),
        "name=\"screen\" value=\"a&lt;b\"",
    ] {
        assert!(
            answer.body.contains(expected),
            "{expected}: {}",
            answer.body
        );
    }

    let unknown = take(&[label(EAN_13, OTHER_EAN, 10.0, 0.0)], DAY);
    for (photo, words) in [
        (unknown, "Код 4006381333931 никому не принадлежит."),
        (take(&[], DAY), "Код не найден. Снимите ближе"),
        (b"text".to_vec(), "Это не снимок JPEG, PNG или WebP."),
        (Vec::new(), "Заполните это поле"),
        (vec![0; photo::MAX_BYTES + 1], "Снимок слишком большой"),
        (vec![0; photo::MAX_BYTES * 2], "Снимок слишком большой"),
    ] {
        let answer = send(&mut browser, &photo, "", own).await;
        assert_eq!(answer.status, 422, "{words}: {}", answer.body);
        assert!(answer.body.contains(words), "{words}: {}", answer.body);
        assert!(answer.body.contains("aria-invalid=\"true\""));
        assert!(answer.body.contains("href=\"/products\""));
    }

    assert_eq!(
        send(&mut browser, &both, "", "cross-site").await.status,
        403
    );
    let stranger = send(&mut app.browser(), &both, "", own).await;
    assert_eq!(
        (stranger.status, stranger.location.as_deref()),
        (302, Some("/login?next=%2Fscan"))
    );
}

#[apply(on_both_databases)]
async fn only_the_page_that_scans_may_use_the_camera(app: App) {
    app.create_account(app.admin()).await;
    for role in [Role::User, Role::Manager, Role::Admin] {
        let person = app.person(&format!("role-{role}"), role);
        let mut browser = app.signed_in_browser(person).await;
        let page = browser.get("/scan?screen=k%22").await;
        assert_eq!(page.status, 200, "{role}");
        assert!(page.body.contains("value=\"k&quot;\""), "{}", page.body);
        let policy = |name: &str| page.headers[name].to_str().unwrap().to_owned();
        assert!(policy("permissions-policy").starts_with("camera=(self),"));
        assert!(!policy("content-security-policy").contains("unsafe"));
        let home = browser.get("/").await;
        let elsewhere = home.headers["permissions-policy"].to_str().unwrap();
        assert!(elsewhere.starts_with("camera=(),"));
        assert!(home.body.contains("href=\"/scan\""));
    }
    let answer = app.browser().get("/scan?screen=k").await;
    assert_eq!(
        (answer.status, answer.location.as_deref()),
        (302, Some("/login?next=%2Fscan%3Fscreen%3Dk"))
    );
}
