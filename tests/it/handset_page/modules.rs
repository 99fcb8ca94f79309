//! The page's own rules about numbers, codes and time, asked one by one.

use serde_json::json;

use super::{chromium::visit, stage::Stage};

#[tokio::test(flavor = "multi_thread")]
async fn numbers_and_codes_are_read_as_people_write_them() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        let numbers = "const { canonical, complete, dotted, fault, masked, reached, spoken } = await import('./number.js');
            return [
                ['+351 (912) 345-678', ' +351.912.345.678 ', '+351\\u00a0912\\u2011345678'].map(canonical),
                ['', '912', '+', '+35a', '+351912345678'].map((number) => fault(number) !== ''),
                ['+351*******78', '**********78'].map(dotted),
                ['+351912345678', '+447911123499', '+13055550100'].map(masked),
                [['+4407911123499', '+44********99'], ['+351912345678', '+351*******78'], ['+351912345678', undefined]]
                    .map(([number, to]) => reached(number, to)),
                ['+351 912', '+351912345678', '+0351912345678'].map(complete),
                spoken('+351*******78'),
            ];";
        assert_eq!(
            browser.run(numbers).await,
            json!([
                ["+351912345678", "+351912345678", "+351912345678"],
                [true, true, true, true, false],
                ["+351 ••••••• 78", "•••••••••• 78"],
                ["+351*******78", "+44********99", "+1********00"],
                ["+447911123499", "+351912345678", "+351912345678"],
                [false, true, false],
                "the number ending in 7 8",
            ])
        );
        let codes = "const { canonical, fault, inMessage, ofCaller } = await import('./code.js');
            const said = { empty: 'empty', malformed: 'malformed' };
            const of = (text) => inMessage(text) ?? 'none';
            return [
                ['123 456', '12-34-56', ' 123\\u00a0456\\t', '١٢٣۴۵۶'].map(canonical),
                ['', '123', '12345x', '1234567890123456', '123456'].map((code) => fault(code, said)),
                [
                    '+13055550142', '(305) 555-0142', '305.555.0142', '001 305 555 0142', '0142', '+٠١٤٢',
                    '3055550142', '123456', '+12', '1234567890123456', 'private',
                ].map(ofCaller),
                [
                    '123456 is your Acme Bank code. It is valid for 5 minutes.',
                    'Your code: 12345678\\n@app.acme.example #12345678',
                    'Your code: 123 456', 'رمزك هو ١٢٣٤٥٦', 'Order 1 2 3', 'From 10-12 until 14-16',
                    'Call 0800123456 or type 123456', '123 456', 'no digits', '12345',
                ].map(of),
            ];";
        assert_eq!(
            browser.run(codes).await,
            json!([
                ["123456", "123456", "123456", "123456"],
                ["empty", "malformed", "malformed", "malformed", ""],
                [
                    "0142", "0142", "0142", "0142", "0142", "0142",
                    "3055550142", "123456", "+12", "1234567890123456", "private"
                ],
                ["123456", "12345678", "123456", "123456", "none", "none", "none", "none", "none", "none"],
            ])
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_is_the_services_and_never_the_devices() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        let clock = "const { deadline, digits, learnFromSend, learnFromTooSoon, span, stopwatch } =
                await import('./clock.js?alone');
            const left = (instant) => {
                const until = deadline(instant);
                return until === undefined ? 'unknown' : Math.round((until - stopwatch()) / 1000);
            };
            const body = { created_at: '2001-01-01T00:00:00Z', expires_at: '2001-01-01T00:05:00Z' };
            const seen = [left(body.expires_at)];
            // A resend says nothing of the time, unless the header does.
            learnFromSend({ status: 200, body, date: null });
            seen.push(left(body.expires_at));
            learnFromSend({ status: 200, body, date: 'Mon, 01 Jan 2035 00:00:00 GMT' });
            seen.push(left(body.expires_at));
            learnFromSend({ status: 200, body, date: 'Mon, 01 Jan 2001 00:03:00 GMT' });
            seen.push(left(body.expires_at));
            learnFromSend({ status: 201, body });
            seen.push(left(body.expires_at));
            learnFromTooSoon({ body: { resend_after: '2001-01-01T00:02:00Z' }, retryAfter: 20 });
            seen.push(left(body.expires_at), left('2001-01-01T00:02:00Z'), left(undefined));
            return [seen, [0, 9, 75, 3600, 5025].map(digits), [1, 59, 60, 61, 3600, 3601].map(span)];";
        assert_eq!(
            browser.run(clock).await,
            json!([
                ["unknown", "unknown", "unknown", 120, 300, 200, 20, "unknown"],
                ["0:00", "0:09", "1:15", "1:00:00", "1:23:45"],
                ["1 second", "59 seconds", "1 minute", "2 minutes", "1 hour", "2 hours"],
            ])
        );
    })
    .await;
}
