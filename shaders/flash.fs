/*{
  "DESCRIPTION": "One white frame on command, for measuring: how late light is, and whether it comes with its click. Never for an audience.",
  "EXAMPLE": "dreamed.flash(now=True)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Measurement"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "now", "TYPE": "event", "DEFAULT": false, "LABEL": "one flash"},
    {"NAME": "alone", "TYPE": "bool", "DEFAULT": true, "LABEL": "on black, instead of on the picture"}
  ]
}*/

void main() {
    gl_FragColor = now ? vec4(1.0) : alone ? vec4(0.0, 0.0, 0.0, 1.0) : IMG_THIS_PIXEL(inputImage);
}
