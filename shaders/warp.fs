/*{
  "DESCRIPTION": "Bends the whole picture: a lens, a turn around the middle, a lean. Moved slowly by a scene it is the room that leans, not the picture.",
  "EXAMPLE": "dreamed.warp(twist=0.5)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Geometry"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "lens", "TYPE": "float", "MIN": -0.5, "MAX": 0.5, "DEFAULT": 0.12, "LABEL": "outwards or inwards"},
    {"NAME": "twist", "TYPE": "float", "MIN": -3.0, "MAX": 3.0, "DEFAULT": 0.25, "LABEL": "radians, most in the middle"},
    {"NAME": "lean", "TYPE": "point2D", "MIN": [-0.5, -0.5], "MAX": [0.5, 0.5], "DEFAULT": [0.0, 0.08], "LABEL": "how far the wall leans, across and up"},
    {"NAME": "center", "TYPE": "point2D", "MIN": [0.0, 0.0], "MAX": [1.0, 1.0], "DEFAULT": [0.5, 0.5], "LABEL": "around which it turns, from the lower left"}
  ],
  "PASSES": [{"FLOAT": true}]
}*/

void main() {
    vec2 aspect = vec2(RENDERSIZE.x / RENDERSIZE.y, 1.0), q = (isf_FragNormCoord - center) * aspect;
    float r2 = dot(q, q), a = twist * exp(-5.0 * r2);
    q = mat2(cos(a), sin(a), -sin(a), cos(a)) * q * (1.0 + lens * r2) / (1.0 + dot(lean, q));
    gl_FragColor = vec4(IMG_NORM_PIXEL(inputImage, 1.0 - abs(1.0 - abs(q / aspect + center))).rgb, 1.0);
}
