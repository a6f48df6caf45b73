/*{
  "DESCRIPTION": "The wall ends softly: light falls off towards the chosen sides, even in light rather than in numbers. For a picture without a frame in a dark room, and for two engines whose walls touch.",
  "EXAMPLE": "dreamed.edge(left=0.2, right=0.2)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Mask"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "left", "TYPE": "float", "MIN": 0.0, "MAX": 0.5, "DEFAULT": 0.08, "LABEL": "part of the wall"},
    {"NAME": "right", "TYPE": "float", "MIN": 0.0, "MAX": 0.5, "DEFAULT": 0.08, "LABEL": "part of the wall"},
    {"NAME": "top", "TYPE": "float", "MIN": 0.0, "MAX": 0.5, "DEFAULT": 0.08, "LABEL": "part of the wall"},
    {"NAME": "bottom", "TYPE": "float", "MIN": 0.0, "MAX": 0.5, "DEFAULT": 0.08, "LABEL": "part of the wall"},
    {"NAME": "gamma", "TYPE": "float", "MIN": 1.0, "MAX": 4.0, "DEFAULT": 2.2, "LABEL": "of the projector, so that two soft edges add up to one wall"}
  ],
  "PASSES": [{"FLOAT": true}]
}*/

float ramp(float x, float width) {
    float t = clamp(x / max(width, 1e-4), 0.0, 1.0);
    return t < 0.5 ? 2.0 * t * t : 1.0 - 2.0 * (1.0 - t) * (1.0 - t);
}

void main() {
    vec2 p = isf_FragNormCoord;
    float w = ramp(p.x, left) * ramp(1.0 - p.x, right) * ramp(p.y, bottom) * ramp(1.0 - p.y, top);
    gl_FragColor = vec4(IMG_THIS_PIXEL(inputImage).rgb * pow(w, 1.0 / gamma), 1.0);
}
