/*{
  "DESCRIPTION": "Slow currents under the picture, as under water: nothing on the wall ever quite stands still, even when the mind is silent.",
  "EXAMPLE": "dreamed.drift(amount=0.05)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Geometry"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "amount", "TYPE": "float", "MIN": 0.0, "MAX": 0.2, "DEFAULT": 0.02, "LABEL": "heights of the wall"},
    {"NAME": "scale", "TYPE": "float", "MIN": 0.3, "MAX": 8.0, "DEFAULT": 1.6, "LABEL": "currents across the height"},
    {"NAME": "speed", "TYPE": "float", "MIN": 0.0, "MAX": 2.0, "DEFAULT": 0.12}
  ],
  "PASSES": [{"FLOAT": true}]
}*/

void main() {
    // Sums of sines whose divergence is zero: the picture is carried, never torn or pressed together.
    float aspect = RENDERSIZE.x / RENDERSIZE.y, t = TIME * speed;
    vec2 q = isf_FragNormCoord * vec2(aspect, 1.0) * scale * 3.1416;
    vec2 d = vec2(sin(q.y + 1.7 * t) + 0.5 * sin(2.3 * q.y - 1.1 * t + 2.0), sin(q.x - 1.3 * t) + 0.5 * sin(1.9 * q.x + 1.6 * t + 1.0));
    vec2 p = isf_FragNormCoord + d * amount / vec2(aspect, 1.0);
    gl_FragColor = vec4(IMG_NORM_PIXEL(inputImage, 1.0 - abs(1.0 - abs(p))).rgb, 1.0);  // turned back at the edges
}
